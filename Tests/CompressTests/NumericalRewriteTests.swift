import Compress
import Forms
import ONNX
import TensorFiles
import Tensors
import TestSupport
import Testing

@testable import ModelGraph

/// Models rewritten with factors that are exact compute what ONNX Runtime computed with the models as they were.
///
/// The factors come from `kernel(of:)` and two bidiagonal matrices, so that every stage has numbers of its own: what is
/// held is the way of each weight into the file, each attribute, the bias and the folded normalization.
@Suite struct NumericalRewriteTests {
  static let models = [
    "conv1d", "conv2d", "conv2d-1x1-strided", "conv2d-same-lower", "conv2d-same-upper", "conv2d-valid",
    "conv3d",
    "conv-grouped", "conv-transpose", "conv-bn", "conv-float16", "conv-float16-int32-data", "conv-float-data",
    "conv-constant-nodes", "conv-shared-weight", "conv-external", "conv-ir3", "unnamed-nodes", "gemm",
    "gemm-transb", "gemm-transa", "gemm-transa-transb-alpha-beta", "gemm-no-bias-alpha", "matmul-right",
    "matmul-right-3d", "matmul-left", "matmul-left-3d",
  ]

  @Test(arguments: models)
  func exactFactorsComputeWhatTheModelComputes(name: String) throws {
    let original = try ModelGraph(onnx: Vectors.path("\(name).onnx"))
    let input = try NPYFile(contentsOf: Vectors.path("\(name).input.npy")).tensor
    let output = try NPYFile(contentsOf: Vectors.path("\(name).output.npy")).tensor
    let layers = try original.layers()
    let kernels = try layers.map { try original.kernel(of: $0) }
    let methods = try #require(layers.first.map { ExactFactors(kernels[0], groups: $0.groups).methods })
    for method in methods {
      var model = original
      model.replace(
        try zip(layers, kernels).map { layer, kernel in
          let factors = ExactFactors(kernel, groups: layer.groups)
          let (form, weights) = try #require(factors.stages(method))
          return LayerReplacement(layer: layer, form: form, weights: weights)
        })
      try check(model, layers[0].elementType ?? .float32, input.converted(), output.converted(), method)
    }
  }

  private func check(
    _ model: ModelGraph, _ type: ElementType, _ input: Tensor<Double>, _ output: Tensor<Double>,
    _ method: String
  ) throws {
    let names = (model.inputs[0].name, model.main.outputs[0].name)
    let graph = model.main
    let result = try #require(try GraphEvaluation(graph, inputs: [names.0: input]).values[names.1])
    let sizes = try GraphEvaluation(graph, inputs: [names.0: input], ofMagnitudes: true)
    let size = try #require(sizes.values[names.1])
    // ONNX Runtime rounds each product and each sum, the file each weight of up to three stages: one epsilon each of the
    // sum of the magnitudes.
    let epsilon = type == .float16 ? 0x1p-10 : Double(Float.ulpOfOne)
    let rounding = Double(sizes.products + 4) * epsilon
    try #require(result.shape == output.shape, "\(method)")
    for (place, (found, expected)) in zip(result.elements, output.elements).enumerated() {
      let bound = rounding * size.elements[place]
      #expect(abs(found - expected) <= bound, "\(method): \(found), not \(expected), at \(place)")
    }
  }

  /// ONNX's default; the file of `conv-bn` gives another one.
  @Test func anEpsilonThatIsLeftOutIsTheStandards() throws {
    var model = try ModelGraph(onnx: Vectors.path("conv-bn.onnx"))
    let place = try #require(model.main.nodes.firstIndex { $0.opType == "BatchNormalization" })
    model.main.nodes[place].attributes.removeAll { $0.name == "epsilon" }
    let node = model.main.nodes[place]
    let index = GraphIndex(model.main)
    let scale = try #require(try index.constant(node.inputs[1], in: model.main)?.floats())
    let variance = try #require(try index.constant(node.inputs[4], in: model.main)?.floats())
    let fold = try #require(try model.layers().first?.batchNormalization)
    for t in 0..<scale.count {
      // The attribute is a Float, and so is the default.
      let expected = Double(scale[t]) / (Double(variance[t]) + Double(Float(1e-5))).squareRoot()
      #expect(abs(fold.scale[t] - expected) <= 4 * Double.ulpOfOne * abs(expected))
    }
  }

  /// A normalization whose convolution something else reads, or the graph gives out, has to stay.
  @Test func aConvolutionThatIsReadTwiceKeepsItsNormalization() throws {
    let original = try ModelGraph(onnx: Vectors.path("conv-bn.onnx"))
    let convolution = try #require(original.main.nodes.first { $0.opType == "Conv" })
    var read = original
    read.main.nodes.append(Node(opType: "Relu", inputs: [convolution.outputs[0]], outputs: ["read too"]))
    var given = original
    var info = try #require(original.main.outputs.first)
    info.name = convolution.outputs[0]
    given.main.outputs.append(info)
    #expect(try original.layers().map(\.foldsBatchNormalization) == [true])
    #expect(try read.layers().map(\.foldsBatchNormalization) == [false])
    #expect(try given.layers().map(\.foldsBatchNormalization) == [false])
  }

  /// What the body of a node reads from the graph around it stays, though no node of the graph itself reads it any more.
  @Test func weightsThatABranchReadsStayInTheFile() throws {
    for isRead in [false, true] {
      var model = try ModelGraph(onnx: Vectors.path("conv2d.onnx"))
      let layer = try #require(try model.layers().first)
      if isRead {
        let identity = Node(opType: "Identity", inputs: [layer.weight], outputs: ["the same"])
        model.main.nodes.append(
          Node(
            opType: "If", inputs: ["condition"], outputs: ["chosen"],
            attributes: [Attribute("then_branch", .graph(Graph(nodes: [identity])))]))
      }
      let kernel = try #require(layer.kernelShape)
      let form = FactoredForm.tucker2(outputRank: 3, inputRank: 2)
      let weights = form.stages(kernel: kernel).map { Tensor<Float>(shape: $0.weightShape, repeating: 1) }
      model.replace([LayerReplacement(layer: layer, form: form, weights: weights)])
      #expect((model.main.constants[layer.weight] != nil) == isRead)
    }
  }

  /// Two layers of equal form and extents have weights of their own.
  @Test func layersOfTheSameFormKeepTheirOwnWeights() throws {
    var model = try ModelGraph(onnx: Vectors.path("unnamed-nodes.onnx"))
    let layers = try model.layers()
    model.replace(
      layers.enumerated().compactMap { place, layer in
        guard let kernel = layer.kernelShape else { return nil }
        let form = FactoredForm.tucker2(outputRank: 2, inputRank: 2)
        let weights = form.stages(kernel: kernel).map {
          Tensor<Float>(shape: $0.weightShape, repeating: Float(place + 1))
        }
        return LayerReplacement(layer: layer, form: form, weights: weights)
      })
    let index = GraphIndex(model.main)
    let stages = model.main.nodes.filter { $0.opType == "Conv" }
    let found = try stages.map { try index.constant($0.inputs[1], in: model.main)?.floats()?.elements.first }
    #expect(found == [1, 1, 1, 2, 2, 2])
  }

  /// The pool's extents with `ceil_mode` by the operator's definition.
  @Test(arguments: [(0, 3), (1, 4)])
  func extentsBehindAPoolAreRoundedAsItSays(ceiling: Int, expected: Int) throws {
    var model = try ModelGraph(onnx: Vectors.path("conv2d.onnx"))
    let place = try #require(model.main.nodes.firstIndex { $0.opType == "Conv" })
    let input = model.main.nodes[place].inputs[0]
    let pool = Node(
      opType: "MaxPool", inputs: [input], outputs: ["pooled"],
      attributes: [
        Attribute("kernel_shape", .ints([2, 2])), Attribute("strides", .ints([2, 2])),
        Attribute("ceil_mode", .int(ceiling)),
      ])
    model.main.nodes[place].inputs[0] = "pooled"
    model.main.nodes.insert(pool, at: place)
    let extents = try model.extents(of: try model.layers(), inputShapes: [input: [1, 8, 7, 7]])
    #expect(extents.first??.input == [expected, expected])
  }
}

/// Factors of a kernel in every form that holds it exactly, each group for itself.
///
/// B is the bidiagonal matrix with 1 on the diagonal and 1/2 above it: K = B C on an axis gives C by substitution.
private struct ExactFactors {
  private let kernel: Tensor<Float>
  private let groups: Int

  init(_ kernel: Tensor<Float>, groups: Int) { (self.kernel, self.groups) = (kernel, groups) }

  private var outputs: Int { kernel.shape[0] / groups }
  private var inputs: Int { kernel.shape[1] }
  private var spatial: [Int] { Array(kernel.shape.extents.dropFirst(2)) }
  private var taps: Int { spatial.reduce(1, *) }
  private var ones: [Int] { spatial.map { _ in 1 } }

  var methods: [String] {
    if taps == 1 { return ["svd"] }
    return ["tucker2", "channel", "channel-mirrored"]
      + (spatial.count == 2 ? ["spatial", "spatial-mirrored"] : [])
  }

  func stages(_ method: String) -> (FactoredForm, [Tensor<Float>])? {
    let left = bidiagonal(outputs)
    let right = bidiagonal(inputs, transposed: true)
    let byOutputs = solved(kernel, alongOutputs: true)
    switch method {
    case "svd":
      return (.svd(rank: outputs), [byOutputs, left])
    case "tucker2":
      let core = solved(byOutputs, alongOutputs: false)
      return (.tucker2(outputRank: outputs, inputRank: inputs), [right, core, left])
    case "channel": return (.channel(rank: outputs), [byOutputs, left])
    case "channel-mirrored":
      return (.channel(rank: inputs, mirrored: true), [right, solved(kernel, alongOutputs: false)])
    case "spatial", "spatial-mirrored": return spatial(mirrored: method == "spatial-mirrored")
    default: return nil
    }
  }

  /// The first stage picks a channel and a tap of its axis, the second one has the kernel.
  private func spatial(mirrored: Bool) -> (FactoredForm, [Tensor<Float>]) {
    let (height, width) = (spatial[0], spatial[1])
    let along = mirrored ? width : height
    let rank = inputs * along
    var first = Tensor<Float>(shape: [groups * rank, inputs] + (mirrored ? [1, width] : [height, 1]))
    first.withMutableSpan { first in
      for row in 0..<(groups * rank) { first[row * rank + row % rank] = 1 }
    }
    // [T, S, D1, D2] with the picked axis beside the channels.
    let second =
      (mirrored ? kernel.permuted([0, 1, 3, 2]) : kernel).reshaped(
        Shape([kernel.shape[0], rank] + (mirrored ? [height, 1] : [1, width])))
    return (.spatial(rank: rank, mirrored: mirrored), [first, second])
  }

  private func bidiagonal(_ order: Int, transposed: Bool = false) -> Tensor<Float> {
    var matrix = Tensor<Float>(shape: [groups * order, order])
    for row in 0..<(groups * order) {
      let own = row % order
      matrix[row, own] = 1
      let other = transposed ? own - 1 : own + 1
      if other >= 0, other < order { matrix[row, other] = 0.5 }
    }
    return matrix.reshaped(Shape([groups * order, order] + ones))
  }

  /// C with K = B C along the outputs of each group, or K = C B^T along the inputs.
  private func solved(_ kernel: Tensor<Float>, alongOutputs: Bool) -> Tensor<Float> {
    var result = kernel
    result.withMutableSpan { c in
      for t in (0..<kernel.shape[0]).reversed() {
        for s in (0..<inputs).reversed() {
          let (place, order) = alongOutputs ? (t % outputs, outputs) : (s, inputs)
          guard place + 1 < order else { continue }
          let at = (t * inputs + s) * taps
          let next = at + (alongOutputs ? inputs : 1) * taps
          for tap in 0..<taps { c[at + tap] -= 0.5 * c[next + tap] }
        }
      }
    }
    return result
  }
}

extension Shape {
  fileprivate static func + (_ shape: Shape, _ more: [Int]) -> Shape { Shape(shape.extents + more) }
}
