import Compress
import ModelGraph
import ONNX
import Tensors
import TestSupport
import Testing

/// Layers that share a weight, but not all that makes a kernel of it.
@Suite struct SharedWeightTests {
  private func options(_ method: CompressionMethod) -> CompressionOptions {
    var options = CompressionOptions()
    (options.method, options.criterion, options.rankMultiple) = (method, .ranksRatio(0.3), 1)
    return options
  }

  private func kernel(_ shape: Shape) -> Tensor<Float> {
    var generator = SeededGenerator(seed: 150)
    return .decayingKernel(shape, using: &generator)
  }

  /// A weight tied to its transpose, as in autoencoders: from the left and the right, in every pair of operators.
  @Test func aMatrixAndItsTransposeHaveTheirOwnFactors() throws {
    var builder = ModelBuilder()
    let matrix = kernel([24, 24])
    builder.addGemm("gemm", matrix, transposing: false, weight: "w")
    builder.addGemm("transposing", matrix, transposing: true, weight: "w")
    builder.addMatrix("product", matrix, weight: "w")
    try expectFactorsOfTheirLayers(builder.model(), options(.only(.svd)), stagesOf: 2)
  }

  @Test func aConvolutionAndATransposedOneHaveTheirOwnFactors() throws {
    var builder = ModelBuilder()
    let weight = kernel([16, 16, 3, 3])
    builder.addConvolution("plain", weight, weight: "w")
    builder.addConvolution("transposed", weight, transposed: true, weight: "w")
    try expectFactorsOfTheirLayers(builder.model(), options(.only(.tucker2)), stagesOf: 3)
  }

  /// Each layer's stages composed are as far from its own kernel as its report says.
  private func expectFactorsOfTheirLayers(
    _ model: ModelGraph, _ options: CompressionOptions, stagesOf count: Int
  ) throws {
    var written = model
    let report = try written.compress(options)
    let (before, after) = (try model.layers(), try written.layers())
    try #require(after.count == count * before.count)
    for (place, layer) in before.enumerated() {
      let stages = try after[(count * place)..<(count * (place + 1))].map { try written.kernel(of: $0) }
      let kernel = try model.kernel(of: layer)
      let error = relativeError(kernel, composed(stages, kernel.shape))
      // Both are sums of the same squares, in Double.
      #expect(abs(error - report.layers[place].relativeError) < 1e-6, "\(layer.name)")
    }
  }

  /// Pointwise stages around one with the kernel's own spatial extents, or two matrices.
  private func composed(_ stages: [Tensor<Float>], _ shape: Shape) -> Tensor<Double> {
    func matrix(_ stage: Tensor<Float>) -> Tensor<Float> { stage.reshaped([stage.shape[0], stage.shape[1]]) }
    guard stages.count == 3 else { return naiveProduct(matrix(stages[1]), matrix(stages[0])) }
    let core = stages[1].permuted([0, 2, 3, 1])
    let right = naiveProduct(core.reshaped([core.count / core.shape[3], core.shape[3]]), matrix(stages[0]))
    let inner = right.count / core.shape[0]
    let whole = naiveProduct(
      matrix(stages[2]).converted(to: Double.self), right.reshaped([core.shape[0], inner]))
    return whole.reshaped([shape[0], shape[2], shape[3], shape[1]]).permuted([0, 3, 1, 2])
  }

  private func relativeError(_ kernel: Tensor<Float>, _ other: Tensor<Double>) -> Double {
    let (a, b) = (kernel.elements.map(Double.init), other.elements)
    let lost = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (lost / a.reduce(0) { $0 + $1 * $1 }).squareRoot()
  }

  /// The same numbers in one group and in two: kernels of the same shape, of different layers.
  @Test func groupsTellKernelsApart() throws {
    var builder = ModelBuilder()
    let weight = kernel([16, 12, 3, 3])
    builder.addConvolution("one", weight, weight: "w")
    builder.addConvolution("two", weight, groups: 2, weight: "w")
    var model = try builder.model()
    let report = try model.compress(options(.only(.tucker2)))
    #expect(report.layers.allSatisfy { $0.reason == nil })
    try expectCountsOf(model, report)
  }

  /// A weight that a layer that is kept still needs is still there; one behind two normalizations is factored twice.
  @Test func theWeightsReportedAreThoseWritten() throws {
    let weight = kernel([24, 16, 3, 3])
    var builder = ModelBuilder()
    builder.addConvolution("first", weight, weight: "w")
    builder.addConvolution("second", weight, weight: "w")
    builder.addConvolution("third", kernel([24, 20, 3, 3]))
    for skip in ["first", "second", nil] {
      var options = options(.only(.tucker2))
      options.skip = skip
      try compressAndCount(builder.model(), options)
    }
    builder = ModelBuilder()
    builder.addConvolution("first", weight, scale: Array(repeating: 2, count: 24), weight: "w")
    builder.addConvolution("second", weight, scale: (0..<24).map { Float($0 + 1) }, weight: "w")
    builder.addConvolution("third", kernel([24, 20, 3, 3]))
    try compressAndCount(builder.model(), options(.only(.tucker2)))
  }

  private func compressAndCount(_ model: ModelGraph, _ options: CompressionOptions) throws {
    var written = model
    let report = try written.compress(options)
    try expectCountsOf(written, report)
    var options = options
    for budget in [Budget.weights(0.7), .multiplies(0.7), .weights(1)] {
      var written = model
      options.budget = budget
      let report = try written.compress(options)
      try expectCountsOf(written, report)
      let achieved = try #require(report.allocation).achieved
      #expect(achieved <= budget.fraction, "\(budget), \(options.skip ?? "")")
    }
  }

  /// The totals of the report, counted anew in the model written.
  private func expectCountsOf(_ written: ModelGraph, _ report: CompressionReport) throws {
    var keep = CompressionOptions()
    keep.skip = "."
    let recount = try written.inspect(keep).model
    #expect(recount.params == report.model.paramsAfter)
    #expect(recount.macs == report.model.macsAfter)
  }
}
