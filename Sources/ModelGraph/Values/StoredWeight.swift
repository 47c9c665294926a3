public import TensorFiles
public import Tensors

/// A tensor of a graph that never changes, as its file holds it and as nodes see it: a constant, or one behind the node
/// that widens it.
///
///     w = q                          a constant
///     w = Cast(q)                    in half precision, or another floating-point type
///     w = scale (q - zeroPoint)      DequantizeLinear, one scale for all or one for each place of `axis`
public struct StoredWeight: Sendable, Equatable {
  /// How integers become numbers.
  package struct Quantization: Sendable, Equatable {
    package let scale: Constant
    package let zeroPoint: Constant?
    package let axis: Int
  }

  /// What the file holds.
  package let constant: Constant
  /// What nodes see.
  package let type: DataType
  /// How it is quantised; nil for floating-point numbers.
  package let quantization: Quantization?

  /// The extents as the file has them.
  package var extents: [Int] { constant.extents }
  /// The extents, or nil where one is negative or their product overflows.
  package var shape: Shape? { constant.shape }

  /// Whether the elements can be had as Float: they are as many as the extents say, and so are the scales.
  package var hasFloats: Bool {
    guard type.elementType != nil else { return false }
    guard let quantization else { return constant.hasFloats }
    return constant.isWhole && quantization.fits(constant)
  }

  /// The elements as Float, as nodes see them; nil where there are none.
  ///
  /// **Throws** `FileError` where they lie in a file that cannot be read.
  public func floats() throws(FileError) -> Tensor<Float>? {
    guard let quantization else { return try constant.floats() }
    guard hasFloats, let shape, let numbers = try constant.wholeNumbers(),
      let scales = try quantization.scale.floats()?.elements
    else { return nil }
    let zeroPoints = try quantization.zeroPoint?.wholeNumbers() ?? [0]
    let inner = quantization.isPerTensor ? 1 : shape.extents[(quantization.axis + 1)...].reduce(1, *)
    let elements = numbers.indices.map { place in
      let channel = place / max(1, inner)
      let offset = numbers[place] - zeroPoints[channel % zeroPoints.count]
      return Float(offset) * scales[channel % scales.count]
    }
    return Tensor(shape: shape, elements: elements)
  }

  /// The constant that holds the widened elements under a name; nil where there are none.
  ///
  /// **Throws** `FileError` where they lie in a file that cannot be read.
  package func widened(as name: String) throws(FileError) -> Constant? {
    guard let type = type.elementType, hasFloats, let values = try floats() else { return nil }
    return Constant(name: name, values, type: type)
  }
}

extension StoredWeight.Quantization {
  fileprivate var isPerTensor: Bool { scale.shape?.count == 1 }

  /// Whether there is one scale for the whole of a tensor, or one for each place of the axis; zero points likewise.
  fileprivate func fits(_ constant: Constant) -> Bool {
    guard [.int8, .uint8].contains(constant.type), scale.type == .float32, scale.isWhole,
      let count = scale.shape?.count
    else { return false }
    if let zeroPoint {
      guard zeroPoint.type == constant.type, zeroPoint.isWhole, zeroPoint.shape?.count == count else {
        return false
      }
    }
    if count == 1, scale.extents.count <= 1 { return true }
    return scale.extents.count == 1 && constant.extents.indices.contains(axis)
      && constant.extents[axis] == count
  }
}

extension GraphIndex {
  /// The tensor behind a value that never changes, also where a node widens it; nil where it is computed or fed.
  package func weight(_ value: String, in graph: Graph) -> StoredWeight? {
    if let constant = constant(value, in: graph) {
      return StoredWeight(constant: constant, type: constant.type, quantization: nil)
    }
    guard let place = producers[value] else { return nil }
    return weight(madeBy: graph.nodes[place], in: graph)
  }

  /// What a node makes that only widens a constant; nil for every other node.
  package func weight(madeBy node: Node, in graph: Graph) -> StoredWeight? {
    guard node.isStandard, node.outputs.count == 1, let input = node.input(0),
      let constant = constant(input, in: graph)
    else { return nil }
    switch node.opType {
    case "Cast":
      let type = DataType(number: node.int("to", default: 0))
      guard type == .float32, [.float16, .bfloat16].contains(constant.type) else { return nil }
      return StoredWeight(constant: constant, type: type, quantization: nil)
    case "DequantizeLinear":
      guard let scale = node.input(1).flatMap({ self.constant($0, in: graph) }),
        node.int("block_size", default: 0) == 0
      else { return nil }
      let zeroPoint = node.input(2).map { self.constant($0, in: graph) }
      if case .some(.none) = zeroPoint { return nil }
      let axis = node.int("axis", default: 1)
      let quantization = StoredWeight.Quantization(
        scale: scale, zeroPoint: zeroPoint ?? nil,
        axis: axis < 0 ? axis + constant.extents.count : axis)
      let weight = StoredWeight(constant: constant, type: .float32, quantization: quantization)
      return weight.hasFloats ? weight : nil
    default: return nil
    }
  }
}
