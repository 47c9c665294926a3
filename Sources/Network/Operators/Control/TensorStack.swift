import ModelGraph
import Tensors

/// Tensors of one shape that become one, side by side along a new axis.
struct TensorStack: Sendable {
  private var parts: [NetworkTensor] = []

  /// Adds one; false where it is of another shape or type.
  mutating func append(_ tensor: NetworkTensor) -> Bool {
    if let first = parts.first, first.shape != tensor.shape || first.type != tensor.type { return false }
    parts.append(tensor)
    return true
  }

  /// All of them, along the first axis; without any, an empty tensor as the model describes it.
  func stacked(like info: ValueInfo) -> NetworkTensor {
    let type = parts.first?.type ?? info.dataType ?? .float32
    let extents = parts.first?.shape.extents ?? (info.extents ?? []).map { $0 ?? 0 }
    let shape = Shape([parts.count] + extents)
    if ElementKind(type) == .integer {
      return NetworkTensor(shape: shape, integers: parts.flatMap { $0.integers ?? [] }, type: type)
    }
    return NetworkTensor(
      Tensor(shape: shape, elements: parts.flatMap { Array($0.floats?.elements ?? []) }), type: type)
  }
}

extension NetworkTensor {
  /// One slice along an axis, without the axis.
  func slice(_ axis: Int, _ index: Int) -> NetworkTensor {
    var extents = shape.extents
    let inner = extents[(axis + 1)...].reduce(1, *)
    let extent = extents.remove(at: axis)
    let result = Shape(extents)
    func positions() -> [Int] {
      (0..<result.count).map { ($0 / inner * extent + index) * inner + $0 % inner }
    }
    switch elements {
    case .floats(let tensor):
      let x = tensor.elements
      return NetworkTensor(Tensor(shape: result, elements: positions().map { x[$0] }), type: type)
    case .integers(let x):
      return NetworkTensor(shape: result, integers: positions().map { x[$0] }, type: type)
    }
  }

  /// The first axis brought to another place.
  func movingFirstAxis(to place: Int) -> NetworkTensor {
    guard place > 0 else { return self }
    let first = shape[0]
    var extents = Array(shape.extents.dropFirst())
    let inner = extents[place...].reduce(1, *)
    let slice = extents.reduce(1, *)
    extents.insert(first, at: place)
    func positions() -> [Int] {
      (0..<shape.count).map { $0 / inner % first * slice + $0 / (inner * first) * inner + $0 % inner }
    }
    switch elements {
    case .floats(let tensor):
      let x = tensor.elements
      return NetworkTensor(Tensor(shape: Shape(extents), elements: positions().map { x[$0] }), type: type)
    case .integers(let x):
      return NetworkTensor(shape: Shape(extents), integers: positions().map { x[$0] }, type: type)
    }
  }
}
