import Forms
import ModelGraph
import Tensors
import TestSupport
import Testing

@testable import Compress

/// Layers that keep their form behind others that do not.
@Suite struct RefitTests {
  /// The second pass with the layer of one name at rank 3 and all others kept.
  private func pass(
    _ model: ModelGraph, factoring name: String, weights: WeightStorage = .original
  ) throws -> (pass: AsymmetricPass, seen: Calibration) {
    var options = CalibrationModel.options(0.5)
    options.weights = weights
    let seen = try Calibration(model, options, samples: CalibrationSamples(CalibrationModel.images(24)))
    let forms = seen.work.groups.map { group -> (form: FactoredForm?, reason: String?) in
      group.cost.names[0] == name ? (.channel(rank: 3), nil) : (nil, "dear")
    }
    var pass = try AsymmetricPass(model, seen, forms)
    try pass.run { _ in }
    return (pass, seen)
  }

  private func error(of model: ModelGraph, against original: ModelGraph, _ seen: Calibration) throws -> Double
  {
    try seen.report(original, model, foretold: nil).outputs.reduce(0) { $0 + $1.relativeError }
  }

  /// The last layers make up for what the first has lost: nearer on data held out, under their own names.
  @Test func keptLayersMakeUpForThoseInFront() throws {
    let original = try CalibrationModel().model
    let (pass, seen) = try pass(original, factoring: "conv1")
    var (refit, kept) = (original, original)
    let report = refit.rewrite(seen.work, pass.plans, seen.options)
    let plain = pass.plans.mapValues { plan in
      guard case .refit(_, let reason) = plan.choice else { return plan }
      return LayerPlan(choice: .keep(reason: reason), spectrum: nil)
    }
    _ = kept.rewrite(seen.work, plain, seen.options)
    #expect(try error(of: refit, against: original, seen) < 0.98 * error(of: kept, against: original, seen))
    let map = try #require(report.layers.first { $0.name == "map" })
    #expect(map.method == "keep" && !map.isFactored && map.paramsAfter == map.paramsBefore)
    #expect(map.reason == "dear; its weights were fitted to what the layers in front leave")
    #expect(map.relativeError > 0 && map.dataError != nil && map.heldOutError != nil)
    let node = try #require(refit.main.nodes.first { $0.name == "map" })
    #expect(node.opType == "Conv" && node.inputs[1] != "k3" && node.outputs == ["map"])
    #expect(refit.main.constants["k3"] == nil)
    // A kernel that two layers share stays: one fit cannot be for both.
    let shared = try #require(report.layers.first { $0.name == "conv2" })
    #expect(shared.reason == "dear" && refit.main.constants["k2"] != nil)
  }

  /// What has nothing changed in front of it is left alone.
  @Test func layersInFrontAreLeftAlone() throws {
    let original = try CalibrationModel().model
    let (pass, seen) = try pass(original, factoring: "map")
    var model = original
    let report = model.rewrite(seen.work, pass.plans, seen.options)
    for layer in report.layers where layer.name != "map" {
      #expect(layer.reason == "dear" && layer.relativeError == 0 && layer.dataError == nil, "\(layer.name)")
    }
  }

  /// Weights that are to be stored in another format are that of the original's, rounded.
  @Test func storedWeightsAreNotFitted() throws {
    let (pass, _) = try pass(CalibrationModel().model, factoring: "conv1", weights: .float16)
    for plan in pass.plans.values {
      if case .refit = plan.choice { Issue.record("a layer was fitted anew") }
    }
  }
}
