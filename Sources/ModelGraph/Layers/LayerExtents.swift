/// How much work one run of a layer is: where the model's shapes say so.
public struct LayerExtents: Sendable {
  /// Spatial extents before the layer; none for a fully connected one.
  public let input: [Int]
  /// Spatial extents after it.
  public let output: [Int]
  /// How many times the layer runs for one run of the model: the batch, or the rows that a matrix is applied to.
  public let repetitions: Int
}

extension ModelGraph {
  /// The extents of each of `layers`, nil where the model leaves them open.
  ///
  /// An open first axis of an input counts as 1. `inputShapes` gives the extents of inputs by name, in place of the
  /// file's.
  ///
  /// **Throws** `ModelError` for a name that is no input, or a shape with another number of axes than the model's.
  public func extents(
    of layers: [FactorableLayer], inputShapes: [String: [Int]] = [:]
  ) throws(ModelError) -> [LayerExtents?] {
    var trustsFile = true
    for (name, shape) in inputShapes.sorted(by: { $0.key < $1.key }) {
      guard let input = inputs.first(where: { $0.name == name }) else {
        let names = inputs.map { "'\($0.name)'" }.joined(separator: ", ")
        throw .model(path: path, reason: "the model has no input '\(name)'; it has \(names)")
      }
      guard let extents = input.extents else { continue }
      guard extents.count == shape.count else {
        throw .model(
          path: path,
          reason: "input '\(name)' has \(extents.count) axes, the shape given for it \(shape.count)")
      }
      // What the file says about later values follows from the shapes that it was exported with.
      if zip(extents, shape).contains(where: { $0 != nil && $0 != $1 }) { trustsFile = false }
    }
    let shapes = ShapeInference(
      graph: main, opset: opsetVersion,
      assumptions: ShapeAssumptions(inputs: inputShapes, trustsFile: trustsFile, takesBatchForOne: true))
    return layers.map { layer in
      let node = main.nodes[layer.node]
      guard let input = node.input(layer.dataSide), let output = node.outputs.first,
        let before = known(shapes.extents[input]), let after = known(shapes.extents[output])
      else { return nil }
      return LayerExtents(layer, before: before, after: after)
    }
  }

  private func known(_ extents: Extents?) -> [Int]? {
    extents.flatMap { extents in
      let known = extents.compactMap { $0 }
      return known.count == extents.count && known.allSatisfy { $0 >= 0 } ? known : nil
    }
  }
}

extension LayerExtents {
  fileprivate init?(_ layer: FactorableLayer, before: [Int], after: [Int]) {
    if layer.op.isConvolution {
      guard before.count >= 2, before.count == after.count, before.count == layer.kernelShape?.order else {
        return nil
      }
      self.init(input: Array(before.dropFirst(2)), output: Array(after.dropFirst(2)), repetitions: before[0])
    } else {
      // Every element of the result is one row of the matrix applied once.
      guard let outputs = layer.kernelShape?[0], outputs > 0, let total = product(after.map(Optional.some))
      else {
        return nil
      }
      self.init(input: [], output: [], repetitions: total / outputs)
    }
  }
}
