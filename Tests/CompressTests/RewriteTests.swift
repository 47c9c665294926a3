import ONNX
import Forms
import Tensors
import TestSupport
import Testing

@testable import Compress
@testable import ModelGraph

/// Factors of the right shapes for a layer, all ones: what the numbers are does not matter here.
private func replacement(_ layer: FactorableLayer) -> LayerReplacement? {
  guard layer.obstacle == nil, layer.groups == 1, let kernel = layer.kernelShape else { return nil }
  let isMatrix = kernel.extents.dropFirst(2).allSatisfy { $0 == 1 }
  let form: FactoredForm = isMatrix ? .svd(rank: 2) : .tucker2(outputRank: 3, inputRank: 2)
  let weights = form.stages(kernel: kernel).map { Tensor<Float>(shape: $0.weightShape, repeating: 1) }
  return LayerReplacement(layer: layer, form: form, weights: weights)
}

private func rewritten(_ name: String) throws -> (before: ModelGraph, after: ModelGraph) {
  let before = try ModelGraph(onnx: Vectors.path(name))
  var after = before
  after.replace(try after.layers().compactMap(replacement))
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
    let graph = after.main
    #expect(graph.nodes.count > before.main.nodes.count - (name == "conv-bn" ? 1 : 0))
    var known = Set(graph.constants.map(\.name)).union(graph.inputs.map(\.name))
    #expect(Set(graph.constants.map(\.name)).count == graph.constants.count)
    for node in graph.nodes {
      for input in node.inputs where !input.isEmpty { #expect(known.contains(input), "\(input)") }
      for output in node.outputs { #expect(known.insert(output).inserted, "\(output)") }
    }
    let names = graph.nodes.map(\.name).filter { !$0.isEmpty }
    #expect(Set(names).count == names.count)
    #expect(graph.outputs == before.main.outputs)
    for output in graph.outputs { #expect(known.contains(output.name)) }
    for info in graph.valueInfo { #expect(known.contains(info.name)) }
    let used = Set(graph.nodes.flatMap(\.inputs))
    for tensor in graph.constants { #expect(used.contains(tensor.name), "\(tensor.name) is unused") }
  }

  @Test func stagesCarryTheAttributesOfTheLayer() throws {
    let (before, after) = try rewritten("conv2d.onnx")
    let dense = try #require(before.main.nodes.first { $0.opType == "Conv" })
    let stages = after.main.nodes.filter { $0.opType == "Conv" }
    #expect(stages.map(\.name) == ["conv/mode2", "conv/core", "conv/mode1"])
    for name in ["strides", "dilations", "pads"] {
      #expect(stages[1].ints(name) == dense.ints(name))
      #expect(stages[0].ints(name) == nil && stages[2].ints(name) == nil)
    }
    #expect(stages[1].ints("kernel_shape") == [3, 3])
    #expect(stages[2].outputs == dense.outputs)
    #expect(stages[0].inputs.count == 2 && stages[1].inputs.count == 2)
    #expect(stages[2].input(2) == dense.input(2))
  }

  @Test func sharedWeightsAreWrittenOnce() throws {
    let (_, after) = try rewritten("conv-shared-weight.onnx")
    let stages = after.main.nodes.filter { $0.opType == "Conv" }
    #expect(stages.count == 6)
    #expect(zip(stages.prefix(3), stages.suffix(3)).allSatisfy { $0.inputs[1] == $1.inputs[1] })
  }

  @Test func aFoldedBatchNormalizationGoes() throws {
    let (before, after) = try rewritten("conv-bn.onnx")
    let normalization = try #require(before.main.nodes.first { $0.opType == "BatchNormalization" })
    #expect(!after.main.nodes.contains { $0.opType == "BatchNormalization" })
    #expect(after.main.nodes.contains { $0.outputs == normalization.outputs })
    var unfolded = before
    unfolded.replace(try before.layers(foldingBatchNormalization: false).compactMap(replacement))
    #expect(unfolded.main.nodes.contains { $0.opType == "BatchNormalization" })
  }

  /// `scale` and `shift` by the operator's definition, element by element in Double.
  @Test func foldingIsTheOperatorsDefinition() throws {
    let model = try ModelGraph(onnx: Vectors.path("conv-bn.onnx"))
    let graph = model.main
    let layer = try #require(try model.layers().first)
    let fold = try #require(layer.batchNormalization)
    let node = graph.nodes[fold.node]
    let index = GraphIndex(graph)
    let parameters = try node.inputs.dropFirst().map {
      try #require(try index.constant($0, in: graph)?.floats()).elements
    }
    let bias = try #require(try index.constant(graph.nodes[layer.node].inputs[2], in: graph)?.floats())
      .elements
    let plain = try #require(try model.layers(foldingBatchNormalization: false).first)
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
    var model = try ModelGraph(onnx: Vectors.path("if-branches.onnx"))
    let before = model
    model.replace(try model.layers().compactMap(replacement))
    #expect(model == before)
  }

  @Test func elementTypesAreKept() throws {
    let types: [String: DataType] = [
      "conv-float16": .float16, "conv-bfloat16": .bfloat16, "conv2d": .float32,
    ]
    for (name, type) in types {
      let (_, after) = try rewritten("\(name).onnx")
      let stages = after.main.constants.filter { $0.name.hasPrefix("conv/") }
      #expect(stages.count == 3)
      #expect(stages.allSatisfy { $0.type == type })
    }
  }

  /// Models before IR version 4 list their initializers among the inputs.
  @Test func oldModelsListTheirNewWeights() throws {
    let (_, after) = try rewritten("conv-ir3.onnx")
    let inputs = Set(after.main.inputs.map(\.name))
    #expect(after.main.constants.allSatisfy { inputs.contains($0.name) })
    #expect(after.main.inputs.count == after.main.constants.count + 1)
  }

  @Test func newNamesAvoidThoseThatAreTaken() throws {
    var model = try ModelGraph(onnx: Vectors.path("conv2d.onnx"))
    var tensor = Constant(name: "conv/core.weight", Tensor(shape: [1], repeating: 1), type: .float32)
    model.main.constants.append(tensor)
    tensor.name = "conv/mode2_output"
    model.main.constants.append(tensor)
    model.replace(try model.layers().compactMap(replacement))
    let names = model.main.constants.map(\.name)
    #expect(names.contains("conv/core.weight_2"))
    #expect(model.main.nodes.contains { $0.outputs == ["conv/mode2_output_2"] })
  }
}
