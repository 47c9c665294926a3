import Compress
import ModelGraph
import ONNX
import Tensors
import TestSupport
import Testing

/// What `inspect` promises is what `compress` does.
@Suite struct InspectionTests {
  private static let criteria: [RankCriterion] = [
    .ranksRatio(0.305), .ranksRatio(0.01), .ranksRatio(1), .energy(0.9), .energy(0.998), .error(0.3),
    .error(0.01), .error(1e-7), .error(0), .error(1), .macsRatio(0.5), .macsRatio(0.02), .paramsRatio(0.4),
    .evbmf(1), .evbmf(0.3),
  ]

  /// Kernels of all kinds, some with more ranks than the grid of candidates has steps.
  private static let kinds = Result { try builder(seed: 120).model() }

  private static func builder(seed: UInt64) -> ModelBuilder {
    var generator = SeededGenerator(seed: seed)
    var builder = ModelBuilder()
    let shapes: [Shape] = [
      [300, 5, 1, 3], [4, 270, 3, 1], [19, 13, 3, 3], [24, 16, 1, 1], [13, 11, 5], [8, 6, 3, 2, 3],
    ]
    for (place, shape) in shapes.enumerated() {
      builder.addConvolution("conv\(place)", .decayingKernel(shape, using: &generator))
    }
    builder.addConvolution("grouped", .decayingKernel([16, 10, 3, 3], using: &generator), groups: 2)
    builder.addConvolution("depthwise", .decayingKernel([12, 1, 3, 3], using: &generator), groups: 12)
    builder.addConvolution("half", .decayingKernel([14, 12, 3, 3], using: &generator), type: .float16)
    builder.addConvolution("brain", .decayingKernel([11, 15, 3, 3], using: &generator), type: .bfloat16)
    builder.addConvolution(
      "normalized", .decayingKernel([20, 12, 3, 3], using: &generator),
      scale: (0..<20).map { _ in Float.random(in: 0.01...3, using: &generator) })
    builder.addConvolution("zero", Tensor(shape: [16, 12, 3, 3]))
    // Each number on its own is within float16, a core of a Tucker-2 form is not.
    builder.addConvolution("large", Tensor(shape: [16, 16, 3, 3], repeating: 30_000), type: .float16)
    builder.addMatrix("matrix", .decayingKernel([20, 600], using: &generator))
    return builder
  }

  @Test(arguments: criteria, [CompressionMethod.auto, .only(.tucker2)])
  func theFormsShownAreThoseWritten(criterion: RankCriterion, method: CompressionMethod) throws {
    let model = try Self.kinds.get()
    for multiple in method == .auto ? [1, 8] : [1] { try agree(model, criterion, method, multiple) }
  }

  /// CP takes its time, so on small kernels alone.
  @Test(arguments: criteria, [CompressionMethod.only(.cp3), .only(.cp4)])
  func theSearchedFormsShownAreThoseWritten(criterion: RankCriterion, method: CompressionMethod) throws {
    var generator = SeededGenerator(seed: 121)
    var builder = ModelBuilder()
    builder.addConvolution("plain", .decayingKernel([12, 8, 3, 3], using: &generator))
    builder.addConvolution("grouped", .decayingKernel([8, 5, 3, 3], using: &generator), groups: 2)
    builder.addConvolution("half", .decayingKernel([8, 6, 3, 3], using: &generator), type: .float16)
    builder.addConvolution("line", .decayingKernel([10, 9, 5], using: &generator))
    try agree(try builder.model(), criterion, method, 1)
  }

  private func agree(
    _ model: ModelGraph, _ criterion: RankCriterion, _ method: CompressionMethod, _ multiple: Int
  ) throws {
    var options = CompressionOptions()
    (options.criterion, options.method, options.rankMultiple) = (criterion, method, multiple)
    let inspection = try model.inspect(options)
    var written = model
    let report = try written.compress(options)
    #expect(inspection.layers.map(\.name) == report.layers.map(\.name))
    for (seen, done) in zip(inspection.layers, report.layers) {
      let place: Comment = "\(done.name), \(criterion), \(method), multiples of \(multiple)"
      #expect(seen.params == done.paramsBefore && seen.macs == done.macsBefore, place)
      #expect(seen.reason == done.reason, place)
      guard done.reason == nil else { continue }
      let form = try #require(seen.forms.first, place)
      #expect(form.method == done.method && form.ranks == done.ranks, place)
      #expect(form.params == done.paramsAfter && form.macs == done.macsAfter, place)
      // HOOI only lowers the truncation's error; rounding of three factors may raise it, by 2^-9 of each in the coarsest
      // type. The truncation's is a difference of energies in a basis of two modes' vectors in Float: their lengths, the
      // two products and the sum of squares put 8 epsilons at most on its square.
      let isFloat = !["half", "brain", "large"].contains(done.name)
      let limit = form.relativeError + (isFloat ? 0 : 3 * 0x1p-9)
      #expect(done.relativeError * done.relativeError <= limit * limit + 8 * 0x1p-23, place)
    }
  }

  @Test func theExampleIsAsShown() throws {
    let model = try ModelGraph(onnx: Vectors.example("mnist.onnx"))
    try agree(model, .error(0.3), .auto, CompressionOptions.defaultRankMultiple)
    for layer in try model.inspect(CompressionOptions()).layers {
      #expect(layer.energyRanks.map(\.energy) == [0.8, 0.9, 0.95, 0.99])
      #expect(layer.energyRanks.allSatisfy { $0.ranks.allSatisfy { $0 >= 1 } })
    }
  }
}
