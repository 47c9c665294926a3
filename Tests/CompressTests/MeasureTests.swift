import Compress
import Decompose
import Forms
import ModelGraph
import ONNX
import Tensors
import TestSupport
import Testing

/// A time for each multiply: a measure from outside that counts nothing.
private struct Milliseconds: CostMeasure {
  let unit = "milliseconds"
  let option = "time"
  let step = 0x1p-20
  let isShared = false
  let advice = "as nobody measured them"

  func cost(of layer: MeasuredLayer, in form: FactoredForm) -> Double? {
    layer.multiplies(form).map { step * Double($0) }
  }
}

/// The error of the weights, where one layer's counts for more: what sensitivities say as a measure from outside.
private struct WeighedError: ErrorMeasure {
  let title = "weighed errors"
  let phrase = "sum of weighed errors"
  let layer: String
  let weight: Double

  func analysis(
    of kernel: Tensor<Float>, group: Int, layer: MeasuredLayer, kind: FormKind
  ) throws(DecomposeError) -> any FormAnalysis {
    try WeightError().analysis(of: kernel, group: group, layer: layer, kind: kind)
  }

  func error(of layer: MeasuredLayer, in candidate: RankedForm) -> Double {
    (layer.names.contains(self.layer) ? weight : 1) * WeightError().error(of: layer, in: candidate)
  }
}

@Suite struct MeasureTests {
  private func options(_ budget: Budget) -> CompressionOptions {
    var options = CompressionOptions()
    (options.budget, options.method, options.rankMultiple) = (budget, .only(.tucker2), 1)
    return options
  }

  private func compressed(_ options: CompressionOptions) throws -> CompressionReport {
    var model = try ModelGraph(onnx: Vectors.example("mnist.onnx"))
    return try model.compress(options)
  }

  /// A power of two of each count rounds as the count itself does, so that the same forms are chosen.
  @Test func aCostInAnotherUnitIsSharedOutTheSame() throws {
    let counted = try compressed(options(.multiplies(0.5)))
    let timed = try compressed(options(Budget(0.5, of: Milliseconds())))
    #expect(timed.layers.map(\.ranks) == counted.layers.map(\.ranks))
    #expect(timed.layers.map(\.method) == counted.layers.map(\.method))
    let (mine, theirs) = (try #require(timed.allocation), try #require(counted.allocation))
    #expect(mine.unit == "milliseconds" && mine.achieved == theirs.achieved)
  }

  @Test func anErrorFromOutsideIsWhatIsMadeLeast() throws {
    let budget = Budget.multiplies(0.4)
    let even = try compressed(options(budget))
    let layer = try #require(
      even.layers.filter { $0.reason == nil }.max { $0.relativeError < $1.relativeError }?.name)
    var outside = options(budget)
    outside.error = WeighedError(layer: layer, weight: 100)
    var inside = options(budget)
    inside.sensitivities = [layer: 100]
    let (weighed, sensitive) = (try compressed(outside), try compressed(inside))
    #expect(weighed.layers.map(\.ranks) == sensitive.layers.map(\.ranks))
    #expect(weighed.layers.map(\.ranks) != even.layers.map(\.ranks))
    let (mine, theirs) = (try #require(weighed.allocation), try #require(sensitive.allocation))
    // Products of three numbers in another order.
    #expect(abs(mine.squaredError - theirs.squaredError) <= 8 * Double.ulpOfOne * theirs.squaredError)
  }

  @Test func aLayerOfUnknownCostIsAnErrorThatSaysWhatIsMissing() throws {
    var model = try ModelGraph(onnx: Vectors.path("local-function.onnx"))
    #expect { try model.compress(options(Budget(0.5, of: Milliseconds()))) } throws: {
      "\($0)".contains("milliseconds are unknown, as nobody measured them")
    }
  }
}
