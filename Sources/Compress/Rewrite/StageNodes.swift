import ModelGraph
import Forms
import Tensors

/// Builds the nodes and weights that take a layer's place.
struct StageNodes {
  private var names: UniqueNames
  /// The weights that layers of the same kernel share.
  private var sharedWeights: [StageWeight: String] = [:]
  /// The new constants.
  private(set) var constants: [Constant] = []
  /// The nodes that widen weights of the stage that is being made.
  private var widening: [Node] = []

  init(taken: Set<String>) { names = UniqueNames(taken: taken) }

  /// The nodes of a replacement, in the order they run; the last one makes what the layer made.
  mutating func nodes(for replacement: LayerReplacement, graph: Graph) -> [Node] {
    let layer = replacement.layer
    guard let kernel = layer.kernelShape else { return [] }
    let dense = graph.nodes[layer.node]
    let output = layer.batchNormalization.map { graph.nodes[$0.node].outputs[0] } ?? dense.outputs[0]
    let stages = replacement.form.stages(kernel: kernel, groups: layer.groups)
    var nodes: [Node] = []
    var value = dense.inputs[layer.dataSide]
    for (place, stage) in stages.enumerated() {
      let isLast = place == stages.count - 1
      let name = names.unique("\(layer.name)/\(stage.name)")
      var node = Node(
        name: name, opType: "", inputs: [], outputs: [isLast ? output : names.unique("\(name)_output")])
      if layer.op.isConvolution {
        let isTransposed = layer.op == .convTranspose && stage.carriesAxis.contains(true)
        node.opType = isTransposed ? "ConvTranspose" : "Conv"
        node.inputs = [value, weight(replacement, place, stage, inputsFirst: isTransposed)]
        if isLast, let bias = bias(of: replacement, dense, graph) { node.inputs.append(bias) }
        node.attributes = ConvolutionAttributes(node: dense, axes: stage.kernel.count).attributes(of: stage)
      } else {
        completeMatrixProduct(
          &node, replacement, place, stage, dense: dense, graph: graph, value: value, isLast: isLast)
      }
      value = node.outputs[0]
      nodes += widening + [node]
      widening = []
    }
    return nodes
  }

  /// Makes one factor of a fully connected layer. The last one keeps the dense node's operator with its bias; the first
  /// is a plain product, or a Gemm where the input has to be transposed.
  private mutating func completeMatrixProduct(
    _ node: inout Node, _ replacement: LayerReplacement, _ place: Int, _ stage: StageShape,
    dense: Node, graph: Graph, value: String, isLast: Bool
  ) {
    let layer = replacement.layer
    if layer.op == .gemm && (isLast || dense.int("transA", default: 0) != 0) {
      node.opType = "Gemm"
      node.inputs = [value, weight(replacement, place, stage, inputsFirst: false)]
      node.attributes = [Attribute("transB", .int(1))]
      guard isLast else {
        node.attributes.append(Attribute("transA", .int(1)))
        return
      }
      node.attributes += dense.attributes.filter { !["transA", "transB"].contains($0.name) }
      guard !replacement.biasShift.isEmpty, let bias = bias(of: replacement, dense, graph) else {
        node.inputs += dense.inputs.dropFirst(2)
        return
      }
      // The new one holds the old one times beta.
      node.inputs.append(bias)
      node.attributes.removeAll { $0.name == "beta" }
      return
    }
    node.opType = "MatMul"
    let isLeft = layer.op == .matMul && layer.dataSide == 1
    let matrix = weight(replacement, place, stage, inputsFirst: !isLeft)
    node.inputs = isLeft ? [matrix, value] : [value, matrix]
  }

  /// The name of a stage's weight, made if no layer with the same weight has made it before.
  private mutating func weight(
    _ replacement: LayerReplacement, _ place: Int, _ stage: StageShape, inputsFirst: Bool
  ) -> String {
    let layer = replacement.layer
    let key = StageWeight(
      kernel: layer.kernelIdentity, form: replacement.form, stage: stage.name, inputsFirst: inputsFirst)
    if let name = sharedWeights[key] { return name }
    let kernel = replacement.weights[place]
    // [S, T / groups, ...] of a depthwise stage is [R, 1, ...] either way.
    let isDepthwise = stage.groups > 1 && stage.groups == stage.inputs
    let isPermuted = inputsFirst && !isDepthwise
    let stored = isPermuted ? kernel.permuted([1, 0] + Array(2..<kernel.shape.order)) : kernel
    let name = names.unique("\(layer.name)/\(stage.name).weight")
    let made = StoredConstant(
      name, stored, type: layer.elementType ?? .float32, format: replacement.format, axis: isPermuted ? 1 : 0,
      &names)
    constants += made.constants
    if let node = made.node { widening.append(node) }
    sharedWeights[key] = name
    return name
  }

  /// The value of the bias: the dense layer's own, or a new one with what a BatchNormalization or the data add.
  private mutating func bias(of replacement: LayerReplacement, _ dense: Node, _ graph: Graph) -> String? {
    let layer = replacement.layer
    guard layer.batchNormalization != nil || !replacement.biasShift.isEmpty else { return dense.input(2) }
    guard var bias = graph.offset(of: layer) else { return dense.input(2) }
    let gain = layer.op == .gemm ? Double(dense.float("alpha", default: 1)) : 1
    for (channel, shift) in replacement.biasShift.enumerated() { bias[channel] += gain * shift }
    let name = names.unique("\(layer.name)/bias")
    let values = Tensor(shape: [bias.count], elements: bias.map { Float($0) })
    constants.append(Constant(name: name, values, type: layer.elementType ?? .float32))
    return name
  }
}

/// What tells the weights of stages apart.
private struct StageWeight: Hashable {
  let kernel: KernelIdentity
  let form: FactoredForm
  let stage: String
  let inputsFirst: Bool
}
