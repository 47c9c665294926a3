import ModelGraph
import Tensors

extension Graph {
  /// A sound model of the graph, as if read from a file.
  func built() throws -> ModelGraph {
    let model = ModelGraph(
      path: "built.onnx", main: self, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
    try model.validate()
    return model
  }
}

/// Puts a model together of layers side by side, each with an input and an output of its own.
struct ModelBuilder {
  private var graph = Graph()

  /// The model as if read from a file.
  func model() throws -> ModelGraph {
    try graph.built()
  }

  /// A convolution, or with `transposed` a transposed one, of an image of `extent` along each axis, and behind it a
  /// BatchNormalization where `scale` gives what it multiplies each output channel with. Layers of the same `weight` share
  /// it, whose values are the first one's.
  ///
  /// **Shapes** `stored` as the file holds it: [T, S / groups, D...], transposed [S, T, D...].
  mutating func addConvolution(
    _ name: String, _ stored: Tensor<Float>, groups: Int = 1, transposed: Bool = false,
    type: ElementType = .float32, extent: Int = 12, scale: [Float]? = nil, weight: String? = nil
  ) {
    let axes = stored.shape.order - 2
    let inputs = transposed ? stored.shape[0] : stored.shape[1] * groups
    addInput("\(name).in", [1, inputs] + Array(repeating: extent, count: axes), type)
    graph.nodes.append(
      Node(
        name: name, opType: transposed ? "ConvTranspose" : "Conv",
        inputs: ["\(name).in", constant(weight ?? "\(name).weight", stored, type)], outputs: ["\(name).out"],
        attributes: [
          Attribute("kernel_shape", .ints(Array(stored.shape.extents.dropFirst(2)))),
          Attribute("group", .int(groups)),
        ]))
    guard let scale else { return addOutput("\(name).out") }
    var normalization = Node(
      name: "\(name).norm", opType: "BatchNormalization", inputs: ["\(name).out"],
      outputs: ["\(name).normalized"])
    let channels = scale.count
    // A variance of 1 less epsilon leaves gamma itself as the scale, to rounding.
    for (part, values) in [
      ("gamma", scale), ("beta", Array(repeating: 0.25, count: channels)),
      ("mean", Array(repeating: 0.5, count: channels)),
      ("variance", Array(repeating: 1 - 1e-5, count: channels)),
    ] {
      normalization.inputs.append(
        constant("\(name).\(part)", Tensor(shape: [channels], elements: values), .float32))
    }
    graph.nodes.append(normalization)
    addOutput("\(name).normalized")
  }

  /// A product of one row with a matrix, stored as [S, T], or for a Gemm that transposes it as [T, S].
  mutating func addMatrix(
    _ name: String, _ stored: Tensor<Float>, transposing: Bool = false, weight: String? = nil
  ) {
    addInput("\(name).in", [1, stored.shape[transposing ? 1 : 0]], .float32)
    graph.nodes.append(
      Node(
        name: name, opType: transposing ? "Gemm" : "MatMul",
        inputs: ["\(name).in", constant(weight ?? "\(name).weight", stored, .float32)],
        outputs: ["\(name).out"], attributes: transposing ? [Attribute("transB", .int(1))] : []))
    addOutput("\(name).out")
  }

  /// The same as a Gemm, whether it transposes or not.
  mutating func addGemm(_ name: String, _ stored: Tensor<Float>, transposing: Bool, weight: String) {
    addMatrix(name, stored, transposing: transposing, weight: weight)
    graph.nodes[graph.nodes.count - 1].opType = "Gemm"
  }

  private mutating func constant(_ name: String, _ values: Tensor<Float>, _ type: ElementType) -> String {
    if graph.constants[name] == nil { graph.constants.append(Constant(name: name, values, type: type)) }
    return name
  }

  private mutating func addInput(_ name: String, _ extents: [Int], _ type: ElementType) {
    let shape = extents.map(ValueInfo.Dimension.known)
    graph.inputs.append(ValueInfo(name: name, type: .tensor(DataType(type), shape: shape)))
  }

  private mutating func addOutput(_ name: String) { graph.outputs.append(ValueInfo(name: name)) }
}
