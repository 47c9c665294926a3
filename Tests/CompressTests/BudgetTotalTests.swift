import Compress
import ModelGraph
import Tensors
import TestSupport
import Testing

/// A budget is a part of what the whole model costs, as it is counted in the file: with the layers that are kept, and with
/// a weight that two layers share once.
@Suite struct BudgetTotalTests {
  /// Two small layers and a large one; the small ones may share their weight.
  private func model(sharing: Bool) throws -> ModelGraph {
    var generator = SeededGenerator(seed: 31)
    var builder = ModelBuilder()
    builder.addConvolution("first", .decayingKernel([24, 16, 3, 3], using: &generator), weight: "w")
    builder.addConvolution(
      "second", .decayingKernel([24, 16, 3, 3], using: &generator), weight: sharing ? "w" : "v")
    builder.addConvolution("large", .decayingKernel([48, 40, 3, 3], using: &generator))
    return try builder.model()
  }

  @Test(arguments: [false, true], [nil, "second", "first|second"])
  func aBudgetIsAPartOfTheWholeModel(sharing: Bool, skip: String?) throws {
    for budget in [Budget.weights(0.7), .multiplies(0.7)] {
      var options = CompressionOptions()
      (options.method, options.rankMultiple, options.skip) = (.only(.tucker2), 1, skip)
      options.budget = budget
      var written = try model(sharing: sharing)
      let report = try written.compress(options)
      let (model, small, large) = (report.model, 24 * 16 * 9, 48 * 40 * 9)
      #expect(model.paramsBefore == (sharing ? 1 : 2) * small + large)
      // Without padding an image of 12 x 12 leaves 10 x 10.
      #expect(model.macsBefore == 100 * (2 * small + large))
      let (before, after) =
        budget.measure is WeightCount
        ? (model.paramsBefore, model.paramsAfter) : (model.macsBefore, model.macsAfter)
      #expect(after <= Int(0.7 * Double(before)), "\(budget)")
      // A rank of the large layer is (48 + 9 * 40) weights or 144 * 40 + 900 * 48 multiplies at most, 2% of the whole.
      #expect(Double(after) >= (0.7 - 0.025) * Double(before), "\(budget)")
      #expect(try #require(report.allocation).achieved == Double(after) / Double(before), "\(budget)")
    }
  }
}
