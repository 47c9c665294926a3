import Forms
import Tensors
import TestSupport
import Testing

@testable import ONNX

/// Factors of the right shapes for a layer, all ones: what the numbers are does not matter here.
private func replacement(_ layer: ONNXLayer) -> LayerReplacement? {
  guard layer.obstacle == nil, layer.groups == 1, let kernel = layer.kernelShape else { return nil }
  let isMatrix = kernel.extents.dropFirst(2).allSatisfy { $0 == 1 }
  let form: FactoredForm = isMatrix ? .svd(rank: 2) : .tucker2(outputRank: 3, inputRank: 2)
  let weights = form.stages(kernel: kernel).map { Tensor<Float>(shape: $0.weightShape, repeating: 1) }
  return LayerReplacement(layer: layer, form: form, weights: weights)
}

private func rewritten(_ name: String) throws -> (before: ONNXModel, after: ONNXModel) {
  let before = try ONNXModel(contentsOf: Vectors.path(name))
  var after = before
  after.replace(after.layers().compactMap(replacement))
  return (before, after)
}

@Suite struct RewriteTests {
  static let models = [
    "conv-bfloat16", "conv-bn", "conv-constant-nodes", "conv-external", "conv-float-data",
    "conv-float16-int32-data",
    "conv-float16", "conv-ir3", "conv-shared-weight", "conv-transpose", "conv1d", "conv2d-1x1-strided",
    "conv2d-same-lower",
    "conv2d-same-upper", "conv2d-valid", "conv2d", "conv3d", "gemm-no-bias-alpha",
    "gemm-transa-transb-alpha-beta",
    "gemm-transa", "gemm-transb", "gemm", "local-function", "matmul-left-3d", "matmul-left",
    "matmul-right-3d",
    "matmul-right", "unnamed-nodes",
  ]

  /// Every value that a node takes is made before it, names are unique, and the graph's own values are all there.
  @Test(arguments: models)
  func theGraphStaysWhole(name: String) throws {
    let (before, after) = try rewritten("\(name).onnx")
    let graph = after.proto.graph
    #expect(graph.node.count > before.proto.graph.node.count - (name == "conv-bn" ? 1 : 0))
    var known = Set(graph.initializer.map(\.name)).union(graph.input.map(\.name))
    #expect(Set(graph.initializer.map(\.name)).count == graph.initializer.count)
    for node in graph.node {
      for input in node.input where !input.isEmpty { #expect(known.contains(input), "\(input)") }
      for output in node.output { #expect(known.insert(output).inserted, "\(output)") }
    }
    let names = graph.node.map(\.name).filter { !$0.isEmpty }
    #expect(Set(names).count == names.count)
    #expect(graph.output == before.proto.graph.output)
    for output in graph.output { #expect(known.contains(output.name)) }
    for info in graph.valueInfo { #expect(known.contains(info.name)) }
    let used = Set(graph.node.flatMap(\.input))
    for tensor in graph.initializer { #expect(used.contains(tensor.name), "\(tensor.name) is unused") }
  }

  /// Reading and writing a model changes nothing.
  @Test(arguments: models + ["if-branches", "conv-grouped", "conv-double"])
  func savingKeepsTheModel(name: String) throws {
    let folder = try TemporaryFolder()
    let model = try ONNXModel(contentsOf: Vectors.path("\(name).onnx"))
    try model.save(to: folder.path("copy.onnx"))
    #expect(try ONNXModel(contentsOf: folder.path("copy.onnx")).proto == model.proto)
  }

  @Test func stagesCarryTheAttributesOfTheLayer() throws {
    let (before, after) = try rewritten("conv2d.onnx")
    let dense = try #require(before.proto.graph.node.first { $0.opType == "Conv" })
    let stages = after.proto.graph.node.filter { $0.opType == "Conv" }
    #expect(stages.map(\.name) == ["conv/mode2", "conv/core", "conv/mode1"])
    for name in ["strides", "dilations", "pads"] {
      #expect(stages[1].ints(name) == dense.ints(name))
      #expect(stages[0].ints(name) == nil && stages[2].ints(name) == nil)
    }
    #expect(stages[1].ints("kernel_shape") == [3, 3])
    #expect(stages[2].output == dense.output)
    #expect(stages[0].input.count == 2 && stages[1].input.count == 2)
    #expect(stages[2].input(2) == dense.input(2))
  }

  @Test func sharedWeightsAreWrittenOnce() throws {
    let (_, after) = try rewritten("conv-shared-weight.onnx")
    let stages = after.proto.graph.node.filter { $0.opType == "Conv" }
    #expect(stages.count == 6)
    #expect(zip(stages.prefix(3), stages.suffix(3)).allSatisfy { $0.input[1] == $1.input[1] })
  }

  @Test func aFoldedBatchNormalizationGoes() throws {
    let (before, after) = try rewritten("conv-bn.onnx")
    let normalization = try #require(before.proto.graph.node.first { $0.opType == "BatchNormalization" })
    #expect(!after.proto.graph.node.contains { $0.opType == "BatchNormalization" })
    #expect(after.proto.graph.node.contains { $0.output == normalization.output })
    var unfolded = before
    unfolded.replace(before.layers(foldingBatchNormalization: false).compactMap(replacement))
    #expect(unfolded.proto.graph.node.contains { $0.opType == "BatchNormalization" })
  }

  /// `scale` and `shift` by the operator's definition, element by element in Double.
  @Test func foldingIsTheOperatorsDefinition() throws {
    let model = try ONNXModel(contentsOf: Vectors.path("conv-bn.onnx"))
    let graph = model.proto.graph
    let layer = try #require(model.layers().first)
    let fold = try #require(layer.batchNormalization)
    let node = graph.node[fold.node]
    let index = GraphIndex(graph)
    let parameters = try node.input.dropFirst().map {
      try #require(graph.constant($0, index)?.floatTensor).elements
    }
    let bias = try #require(graph.constant(graph.node[layer.node].input[2], index)?.floatTensor).elements
    let plain = try #require(model.layers(foldingBatchNormalization: false).first)
    let (folded, dense) = (try model.kernel(of: layer), try model.kernel(of: plain))
    for t in 0..<dense.shape[0] {
      let deviation = (Double(parameters[3][t]) + Double(node.float("epsilon", default: 1e-5))).squareRoot()
      let scale = Double(parameters[0][t]) / deviation
      let shift = Double(parameters[1][t]) + scale * (Double(bias[t]) - Double(parameters[2][t]))
      #expect(abs(fold.shift[t] - shift) <= 1e-12)
      // One rounding to Float.
      #expect(abs(Double(folded[t, 1, 0, 2]) - scale * Double(dense[t, 1, 0, 2])) <= abs(scale) * 0x1p-24)
    }
  }

  @Test func weightsOfBodiesStay() throws {
    var model = try ONNXModel(contentsOf: Vectors.path("if-branches.onnx"))
    let before = model.proto
    model.replace(model.layers().compactMap(replacement))
    #expect(model.proto == before)
  }

  @Test func elementTypesAreKept() throws {
    for (name, type) in [("conv-float16", 10), ("conv-bfloat16", 16), ("conv2d", 1)] as [(String, Int32)] {
      let (_, after) = try rewritten("\(name).onnx")
      let stages = after.proto.graph.initializer.filter { $0.name.hasPrefix("conv/") }
      #expect(stages.count == 3)
      #expect(stages.allSatisfy { $0.dataType == type })
    }
  }

  /// Models before IR version 4 list their initializers among the inputs.
  @Test func oldModelsListTheirNewWeights() throws {
    let (_, after) = try rewritten("conv-ir3.onnx")
    let inputs = Set(after.proto.graph.input.map(\.name))
    #expect(after.proto.graph.initializer.allSatisfy { inputs.contains($0.name) })
    #expect(after.proto.graph.input.count == after.proto.graph.initializer.count + 1)
  }

  @Test func newNamesAvoidThoseThatAreTaken() throws {
    var model = try ONNXModel(contentsOf: Vectors.path("conv2d.onnx"))
    var tensor = TensorProto(name: "conv/core.weight", Tensor(shape: [1], repeating: 1), type: .float32)
    model.proto.graph.initializer.append(tensor)
    tensor.name = "conv/mode2_output"
    model.proto.graph.initializer.append(tensor)
    model.replace(model.layers().compactMap(replacement))
    let names = model.proto.graph.initializer.map(\.name)
    #expect(names.contains("conv/core.weight_2"))
    #expect(model.proto.graph.node.contains { $0.output == ["conv/mode2_output_2"] })
  }
}
