internal import Tensors

/// Folds each BatchNormalization that stands straight behind a convolution into the convolution's weight and bias.
///
///     scale (K * x + b) + shift  =  (scale K) * x + (scale b + shift)
///
/// **Accuracy** one rounding of each weight and of each bias to the type that they are stored in.
///
/// **Complexity** each weight is read and written once.
public struct BatchNormalizationFolding: GraphPass {
  /// `batch-normalization`
  public static var name: String { "batch-normalization" }

  /// The pass.
  public init() {}

  /// Folds; a node that is folded away is named with the convolution that takes it up.
  public func apply(to model: inout ModelGraph) throws(ModelError) -> [PassNote] {
    let foldable = try model.layers().filter(\.foldsBatchNormalization)
    guard !foldable.isEmpty else { return [] }
    var names = UniqueNames(taken: GraphIndex(model.main).allNames)
    var (notes, gone): ([PassNote], Set<Int>) = ([], [])
    var released = Set<String>()
    for layer in foldable {
      guard let normalization = layer.batchNormalization, let type = layer.elementType else { continue }
      let (node, folded) = (model.main.nodes[layer.node], model.main.nodes[normalization.node])
      let weight = Constant(
        name: names.unique("\(layer.name)/weight"), layer.stored(try model.kernel(of: layer)), type: type)
      let shift = Tensor(shape: [normalization.shift.count], elements: normalization.shift.map { Float($0) })
      let bias = Constant(name: names.unique("\(layer.name)/bias"), shift, type: type)
      model.add(weight)
      model.add(bias)
      released.formUnion(node.inputs.dropFirst() + node.outputs + folded.inputs)
      model.main.nodes[layer.node].inputs = [node.inputs[0], weight.name, bias.name]
      model.main.nodes[layer.node].outputs = [folded.outputs[0]]
      gone.insert(normalization.node)
      notes.append(note(folded.displayName, "folded into \(layer.name)"))
    }
    model.main.nodes = model.main.nodes.enumerated().filter { !gone.contains($0.offset) }.map(\.element)
    model.main.removeUnusedValues(among: released)
    return notes
  }
}

extension FactorableLayer {
  /// A kernel `[T, S / groups, ...]` with its axes as the model stores them.
  fileprivate func stored(_ kernel: Tensor<Float>) -> Tensor<Float> {
    layout == .inputsFirst ? kernel.permuted([1, 0] + Array(2..<kernel.shape.order)) : kernel
  }
}
