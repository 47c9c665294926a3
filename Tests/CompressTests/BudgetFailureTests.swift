import Compress
import ModelGraph
import ONNX
import Tensors
import TestSupport
import Testing

/// Budgets where layers that the plan would factor cannot be.
@Suite struct BudgetFailureTests {
  /// Every number is within float16 and no Tucker-2 core is, as its leading element is the kernel's norm.
  private let large = Tensor<Float>(shape: [32, 32, 3, 3], repeating: 30_000)

  private func model(_ others: [Shape], type: ElementType = .float16) throws -> ModelGraph {
    var generator = SeededGenerator(seed: 130)
    var builder = ModelBuilder()
    for (place, shape) in others.enumerated() {
      builder.addConvolution("other\(place)", .decayingKernel(shape, using: &generator), type: type)
    }
    builder.addConvolution("large", large, type: type)
    return try builder.model()
  }

  private func options(_ budget: Budget, _ method: CompressionMethod) -> CompressionOptions {
    var options = CompressionOptions()
    (options.budget, options.method, options.rankMultiple) = (budget, method, 1)
    return options
  }

  /// The layer that cannot be factored stays, says why, and the others make up for it.
  @Test(arguments: [Budget.multiplies(0.6), .weights(0.6)])
  func theOthersMakeUpForALayerThatFails(budget: Budget) throws {
    var model = try model([[48, 32, 3, 3], [64, 24, 3, 3]])
    let report = try model.compress(options(budget, .only(.tucker2)))
    let large = try #require(report.layers.last)
    #expect(large.method == "keep" && large.reason?.contains("overflow float16") == true)
    try expectHonest(report, budget)
  }

  /// Another form of the same layer does where one fails.
  @Test func anotherFormOfTheLayerMayDo() throws {
    var model = try model([[48, 32, 3, 3]])
    let report = try model.compress(options(.multiplies(0.3), .auto))
    let large = try #require(report.layers.last)
    #expect(large.reason == nil && large.method != "tucker2")
    try expectHonest(report, .multiplies(0.3))
  }

  /// Where nothing can make up for it, the budget is out of reach, and the model is as it was.
  @Test func aBudgetThatFailuresPutOutOfReachIsAnError() throws {
    var model = try model([[16, 8, 3, 3]])
    let before = try model.inspect(CompressionOptions()).model
    #expect { try model.compress(options(.multiplies(0.3), .only(.tucker2))) } throws: {
      let text = "\($0)"
      return text.contains("least possible") && text.contains("'large'") && text.contains("overflow float16")
    }
    let after = try model.inspect(CompressionOptions()).model
    #expect(after.params == before.params && after.bytes == before.bytes)
  }

  /// What is reported holds for what was written, whatever the forms: HOOI lowers errors, interpolated ones are
  /// guesses, and half precision raises them.
  @Test(
    arguments: [CompressionMethod.auto, .only(.tucker2), .only(.cp3), .only(.cp4), .only(.spatial)],
    [ElementType.float32, .bfloat16])
  func theAllocationIsThatWritten(method: CompressionMethod, type: ElementType) throws {
    var generator = SeededGenerator(seed: 131)
    var builder = ModelBuilder()
    for (place, shape) in [[24, 16, 3, 3], [16, 20, 3, 3], [12, 10, 3, 5]].enumerated() {
      builder.addConvolution("conv\(place)", .decayingKernel(Shape(shape), using: &generator), type: type)
    }
    for fraction in [0.3, 0.5, 0.8] {
      var model = try builder.model()
      var options = options(.multiplies(fraction), method)
      options.sensitivities = ["conv1": 3]
      try expectHonest(try model.compress(options), .multiplies(fraction), options.sensitivities)
    }
  }

  private func expectHonest(
    _ report: CompressionReport, _ budget: Budget, _ sensitivities: [String: Double] = [:]
  ) throws {
    let allocation = try #require(report.allocation)
    let (before, after) =
      budget.measure is MultiplyCount
      ? (report.model.macsBefore, report.model.macsAfter)
      : (report.model.paramsBefore, report.model.paramsAfter)
    #expect(Double(after) <= budget.fraction * Double(before))
    #expect(allocation.achieved == Double(after) / Double(before))
    let sum = report.layers.reduce(0) {
      $0 + (sensitivities[$1.name] ?? 1) * $1.relativeError * $1.relativeError
    }
    // Sums of three numbers in another order.
    #expect(abs(allocation.squaredError - sum) <= 8 * Double.ulpOfOne * sum)
    #expect(allocation.lowerBound >= 0 && allocation.lowerBound <= allocation.squaredError)
    let gap = sum > 0 ? (allocation.squaredError - allocation.lowerBound) / allocation.squaredError : 0
    #expect(abs(allocation.gap - gap) <= 8 * Double.ulpOfOne)
  }
}
