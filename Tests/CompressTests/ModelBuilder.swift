import Foundation
import Tensors

@testable import ONNX

/// Puts a model together of layers side by side, each with an input and an output of its own.
struct ModelBuilder {
  private var proto = ModelProto()

  /// An empty model of operators that every test model uses.
  init() {
    proto.irVersion = 8
    var operators = OperatorSetIdProto()
    operators.version = 17
    proto.opsetImport = [operators]
  }

  /// The model as if read from a file.
  func model() throws -> ONNXModel {
    try ONNXModel(data: try proto.serializedData(), path: "built.onnx")
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
    var node = NodeProto()
    node.opType = transposed ? "ConvTranspose" : "Conv"
    node.name = name
    node.input = ["\(name).in", constant(weight ?? "\(name).weight", stored, type)]
    node.output = ["\(name).out"]
    node.attribute = [.ints("kernel_shape", Array(stored.shape.extents.dropFirst(2))), .int("group", groups)]
    proto.graph.node.append(node)
    guard let scale else { return addOutput("\(name).out") }
    var normalization = NodeProto()
    normalization.opType = "BatchNormalization"
    normalization.name = "\(name).norm"
    let channels = scale.count
    // A variance of 1 less epsilon leaves gamma itself as the scale, to rounding.
    for (part, values) in [
      ("gamma", scale), ("beta", Array(repeating: 0.25, count: channels)),
      ("mean", Array(repeating: 0.5, count: channels)),
      ("variance", Array(repeating: 1 - 1e-5, count: channels)),
    ] {
      normalization.input.append(
        constant("\(name).\(part)", Tensor(shape: [channels], elements: values), .float32))
    }
    normalization.input.insert("\(name).out", at: 0)
    normalization.output = ["\(name).normalized"]
    proto.graph.node.append(normalization)
    addOutput("\(name).normalized")
  }

  /// A product of one row with a matrix, stored as [S, T], or for a Gemm that transposes it as [T, S].
  mutating func addMatrix(
    _ name: String, _ stored: Tensor<Float>, transposing: Bool = false, weight: String? = nil
  ) {
    addInput("\(name).in", [1, stored.shape[transposing ? 1 : 0]], .float32)
    var node = NodeProto()
    node.opType = transposing ? "Gemm" : "MatMul"
    node.name = name
    node.input = ["\(name).in", constant(weight ?? "\(name).weight", stored, .float32)]
    node.output = ["\(name).out"]
    if transposing { node.attribute = [.int("transB", 1)] }
    proto.graph.node.append(node)
    addOutput("\(name).out")
  }

  /// The same as a Gemm, whether it transposes or not.
  mutating func addGemm(_ name: String, _ stored: Tensor<Float>, transposing: Bool, weight: String) {
    addMatrix(name, stored, transposing: transposing, weight: weight)
    proto.graph.node[proto.graph.node.count - 1].opType = "Gemm"
  }

  private mutating func constant(_ name: String, _ values: Tensor<Float>, _ type: ElementType) -> String {
    if !proto.graph.initializer.contains(where: { $0.name == name }) {
      proto.graph.initializer.append(TensorProto(name: name, values, type: type))
    }
    return name
  }

  private mutating func addInput(_ name: String, _ extents: [Int], _ type: ElementType) {
    var input = ValueInfoProto()
    input.name = name
    input.type.tensorType.elemType = type.onnx
    input.type.tensorType.shape.dim = extents.map { extent in
      var dim = TensorShapeProto.Dimension()
      dim.dimValue = Int64(extent)
      return dim
    }
    proto.graph.input.append(input)
  }

  private mutating func addOutput(_ name: String) {
    var output = ValueInfoProto()
    output.name = name
    proto.graph.output.append(output)
  }
}
