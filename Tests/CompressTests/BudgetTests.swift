import Compress
import ModelGraph
import ONNX
import TestSupport
import Testing

@Suite struct BudgetTests {
  private static let closedForms: [CompressionMethod] = [.only(.tucker2), .only(.spatial)]

  private func options(_ budget: Budget, _ method: CompressionMethod) -> CompressionOptions {
    var options = CompressionOptions()
    options.budget = budget
    options.method = method
    // Single ranks make the choice fine enough for the bound to be tight.
    options.rankMultiple = 1
    return options
  }

  @Test(arguments: closedForms, [0.3, 0.5, 0.7])
  func budgetsAreKeptAndSpent(method: CompressionMethod, fraction: Double) throws {
    var model = try ModelGraph(onnx: Vectors.example("mnist.onnx"))
    let candidates = try ModelCandidates(model, options(.multiplies(fraction), method))
    let report = try model.compress(candidates)
    let allocation = try #require(report.allocation)
    #expect(report.model.macsAfter <= Int(fraction * Double(report.model.macsBefore)))
    #expect(
      Double(report.model.macsAfter) == (allocation.achieved * Double(report.model.macsBefore)).rounded())
    #expect(allocation.achieved > fraction - 0.01)
    #expect(allocation.gap < 0.02)
    let sum = report.layers.reduce(0) { $0 + $1.relativeError * $1.relativeError }
    // Sums of ten numbers in another order.
    #expect(abs(sum - allocation.squaredError) <= 16 * Double.ulpOfOne * sum)
    // HOOI and the closed forms only lower the errors that the allocation went by; rounding apart.
    let planned = try #require(candidates.tradeOff([fraction]).points[0].squaredError)
    #expect(sum <= planned * (1 + 1e-4))
  }

  /// Sharing out beats giving every layer the same part of its energy at the same cost.
  @Test func sharingOutBeatsOneEnergyForAll() throws {
    let path = Vectors.example("mnist.onnx")
    for energy in [0.8, 0.9, 0.95] {
      var equal = CompressionOptions()
      equal.criterion = .energy(energy)
      equal.method = .only(.tucker2)
      equal.rankMultiple = 1
      var first = try ModelGraph(onnx: path)
      let before = try first.compress(equal)
      let sum = before.layers.reduce(0) { $0 + $1.relativeError * $1.relativeError }
      let fraction = Double(before.model.macsAfter) / Double(before.model.macsBefore)
      var second = try ModelGraph(onnx: path)
      let after = try second.compress(options(.multiplies(fraction), .only(.tucker2)))
      #expect(after.model.macsAfter <= before.model.macsAfter)
      #expect(after.layers.reduce(0) { $0 + $1.relativeError * $1.relativeError } <= sum)
    }
  }

  /// A layer that counts for much keeps more of itself, and names that no layer has are errors.
  @Test func sensitivitiesShiftTheBudget() throws {
    let path = Vectors.example("mnist.onnx")
    var even = try ModelGraph(onnx: path)
    var options = options(.multiplies(0.4), .only(.tucker2))
    let first = try even.compress(options)
    let factored = first.layers.filter { $0.reason == nil }.sorted { $0.relativeError > $1.relativeError }
    let (layer, other) = (factored[0], factored[1])
    options.sensitivities = [layer.name: 100, other.name: 3]
    var weighted = try ModelGraph(onnx: path)
    let second = try weighted.compress(options)
    let kept = try #require(second.layers.first { $0.name == layer.name })
    #expect(kept.relativeError < 0.5 * layer.relativeError)
    #expect(second.model.macsAfter <= Int(0.4 * Double(second.model.macsBefore)))
    // A layer that is kept adds nothing to the sum, whatever it weighs.
    #expect(second.layers.first { $0.name == other.name }?.reason == nil)
    let sum = second.layers.reduce(0) {
      $0 + (options.sensitivities[$1.name] ?? 1) * $1.relativeError * $1.relativeError
    }
    let allocation = try #require(second.allocation)
    #expect(abs(sum - allocation.squaredError) <= 16 * Double.ulpOfOne * sum)
    for wrong in [["nothing": 1], [layer.name: -1], [layer.name: .nan]] {
      options.sensitivities = wrong
      var model = try ModelGraph(onnx: path)
      #expect(throws: CompressError.self) { try model.compress(options) }
    }
  }

  @Test func weightsCanBeTheBudget() throws {
    var model = try ModelGraph(onnx: Vectors.example("mnist.onnx"))
    var options = options(.weights(0.7), .auto)
    // CP takes its time with the larger layers, which are kept and count: three fifths of all weights.
    options.layers = "/conv[12]/|/hidden/"
    let report = try model.compress(options)
    #expect(report.model.paramsAfter <= Int(0.7 * Double(report.model.paramsBefore)))
    #expect(report.model.paramsAfter > Int(0.68 * Double(report.model.paramsBefore)))
  }

  @Test func theTradeOffIsThatOfTheCompressions() throws {
    let model = try ModelGraph(onnx: Vectors.example("mnist.onnx"))
    let candidates = try ModelCandidates(model, options(.multiplies(1), .only(.tucker2)))
    let curve = candidates.tradeOff([0.01, 0.4, 0.6, 1])
    #expect(curve.points[0].cost == nil)
    let errors = curve.points.compactMap(\.squaredError)
    #expect(errors == errors.sorted(by: >) && errors.last == 0)
    var other = model
    let report = try other.compress(options(.multiplies(0.4), .only(.tucker2)))
    // The curve goes by truncations; HOOI only lowers their errors, rounding apart.
    let written = try #require(report.allocation).squaredError
    #expect(written <= errors[0] * (1 + 1e-4) && written > 0.9 * errors[0])
    #expect(Double(report.model.macsAfter) == curve.points[1].cost)
  }

  @Test func budgetsOutOfReachAndOpenShapesAreErrors() throws {
    var model = try ModelGraph(onnx: Vectors.example("mnist.onnx"))
    #expect { try model.compress(options(.multiplies(0.001), .only(.tucker2))) } throws: {
      "\($0)".contains("least possible")
    }
    var open = try ModelGraph(onnx: Vectors.path("local-function.onnx"))
    #expect { try open.compress(options(.multiplies(0.5), .only(.tucker2))) } throws: {
      "\($0)".contains("--input-shape")
    }
  }
}
