import Compress
import ModelGraph
import Tensors
import TestSupport
import Testing

/// A form is taken where it saves something, in what it is asked to save.
@Suite struct SavingTests {
  /// A layer whose first stage, on all of a small image, costs more multiplies than weights.
  private func model(random: Bool = false) throws -> ModelGraph {
    var generator = SeededGenerator(seed: 41)
    var builder = ModelBuilder()
    builder.addConvolution(
      "small",
      random
        ? .random([24, 16, 3, 3], using: &generator) : .decayingKernel([24, 16, 3, 3], using: &generator),
      extent: 5)
    return try builder.model()
  }

  /// Of full rank every form is larger than the dense kernel.
  @Test(
    arguments: [CompressionMethod.auto, .only(.tucker2), .only(.spatial), .only(.channel)],
    [RankCriterion.ranksRatio(1), .energy(1)])
  func aFormThatCostsMoreIsNotTaken(method: CompressionMethod, criterion: RankCriterion) throws {
    var options = CompressionOptions()
    (options.method, options.criterion, options.rankMultiple) = (method, criterion, 1)
    var written = try model(random: true)
    let report = try written.compress(options)
    let layer = try #require(report.layers.first)
    #expect(layer.method == "keep" && layer.reason?.contains("multiplies") == true)
    #expect(try written.layers().count == 1)
  }

  /// 25 positions before the layer, 9 behind it: a Tucker-2 form within a part of the weights is not within that of the
  /// multiplies.
  @Test(arguments: [0.3, 0.5, 0.7])
  func aRatioHoldsInItsOwnUnit(ratio: Double) throws {
    var options = CompressionOptions()
    (options.method, options.rankMultiple) = (.only(.tucker2), 1)
    for criterion in [RankCriterion.macsRatio(ratio), .paramsRatio(ratio)] {
      options.criterion = criterion
      var written = try model()
      let layer = try #require(try written.compress(options).layers.first)
      try #require(layer.reason == nil)
      let macs = Double(try #require(layer.macsAfter)) / Double(try #require(layer.macsBefore))
      let weights = Double(layer.paramsAfter) / Double(layer.paramsBefore)
      if case .macsRatio = criterion {
        #expect(macs <= ratio)
      } else {
        #expect(weights <= ratio && macs > ratio)
      }
    }
  }
}
