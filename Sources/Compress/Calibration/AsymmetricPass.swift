import Decompose
import Forms
import LinearAlgebra
import ModelGraph
import Tensors

/// The second pass of calibration: two networks side by side, the original and the compressed as far as it is made. Each
/// layer is fitted so that from what the compressed network gives it, it makes what the original made.
///
/// A second round would change nothing: what a layer is given depends on the layers before it alone, and those were final when
/// it was fitted.
struct AsymmetricPass {
  private let model: ModelGraph
  private let calibration: Calibration
  private let forms: [(form: FactoredForm?, reason: String?)]
  /// The factors in the weights' norm that fits start from: see `ModelGraph.startingFactors`.
  let starts: [String: [Decomposition<Float>]]
  private let index: GraphIndex
  private var original: CalibrationTrack
  private var compressed: CalibrationTrack
  /// By group of layers.
  var plans: [Int: LayerPlan] = [:]

  init(
    _ model: ModelGraph, _ calibration: Calibration, _ forms: [(form: FactoredForm?, reason: String?)]
  ) throws(CompressError) {
    (self.model, self.calibration, self.forms) = (model, calibration, forms)
    index = GraphIndex(model.main)
    starts = model.startingFactors(forms.map(\.form), calibration.work, threads: calibration.options.threads)
    let bytes = CalibrationTrack.mostBytes / 2
    original = try CalibrationTrack(
      calibration.samples, path: model.path, store: ValueStore(mostBytes: bytes))
    compressed = try CalibrationTrack(
      calibration.samples, path: model.path, store: ValueStore(mostBytes: bytes))
  }

  mutating func run(_ progress: @Sendable (Progress) -> Void) throws(CompressError) {
    let stops = calibration.route.stops
    try LargeBlocks.keeping(CalibrationTrack.keptBytes) { () throws(CompressError) in
      progress(.beginning(.fitting, of: stops.count))
      for (place, stop) in stops.enumerated() {
        try pass(stop)
        let name = calibration.work.layers[stop.layer].name
        progress(Progress(done: place + 1, total: stops.count, layer: name, task: .fitting))
      }
    }
  }

  private mutating func pass(_ stop: CalibrationRoute.Stop) throws(CompressError) {
    let threads = calibration.options.threads
    let reading = calibration.readings[stop.layer]
    let (before, dense) = try model.pieces(of: stop, reading, threads: threads)
    let isFitted =
      forms[stop.group].form != nil && plans[stop.group] == nil && calibration.shared[stop.group] == nil
    let rectifier = isFitted ? reading.flatMap { self.rectifier(behind: $0) } : nil
    var collector =
      isFitted
      ? reading.map {
        MomentsCollector(
          $0, calibration.samples, metric: calibration.metrics[stop.group], threads: threads,
          keepsRows: rectifier != nil)
      } : nil
    let waves = CalibrationSamples.waves(of: calibration.samples.inputs.count, threads: threads)
    for wave in waves {
      _ = try original.advance(wave, through: before, keeping: stop.neededBefore)
      _ = try compressed.advance(wave, through: before, keeping: stop.neededBefore)
      let made = try original.advance(wave, through: dense, keeping: stop.neededAfter)
      guard let reading, collector != nil else { continue }
      for (sample, made) in zip(wave, made) {
        let input = try compressed.value(reading.input, sample: sample)
        _ = collector?.add(sample: sample, input: input, response: made[reading.output])
      }
    }
    let gathered = collector?.finish()
    collector = nil
    if plans[stop.group] == nil {
      let moments = gathered?.moments ?? calibration.shared[stop.group]
      plans[stop.group] = SharedWork.withThreads(threads) {
        plan(stop, reading, moments, behind: rectifier, gathered?.rows)
      }
    }
    var own = dense
    if case .factor(let factors) = plans[stop.group]?.choice {
      let layer = calibration.work.layers[stop.layer]
      let output = model.main.nodes[layer.batchNormalization?.node ?? layer.node].outputs[0]
      own = try model.factoredPiece(of: stop, output: output, factors, threads: threads)
    }
    for wave in waves { _ = try compressed.advance(wave, through: own, keeping: stop.neededAfter) }
  }

  /// What a layer's response is to be fitted behind; nil where it counts as it is, or too little is seen of it.
  private func rectifier(behind reading: LayerReading) -> Rectifier? {
    let wanted = SampledPositions.wanted(patch: reading.patch)
    return RectifiedFit.suits(reading, positions: wanted)
      ? model.rectifier(behind: reading.output, index) : nil
  }

  /// Fits a layer in its form; by its weights where no data reach it.
  private func plan(
    _ stop: CalibrationRoute.Stop, _ reading: LayerReading?, _ moments: LayerMoments?,
    behind rectifier: Rectifier?, _ rows: LayerRows?
  ) -> LayerPlan {
    let (form, reason) = forms[stop.group]
    guard let form else { return LayerPlan(choice: .keep(reason: reason ?? "kept"), spectrum: nil) }
    do {
      let kernel = try model.layerKernel(of: calibration.work.layers[stop.layer])
      var options = calibration.options
      let cost = calibration.work.groups[stop.group].cost
      guard let reading, let moments else {
        options.error = WeightError()
        return LayerPlan(
          choice: LayerPlanner(options: options).factor(kernel, form, cost: cost), spectrum: nil)
      }
      // What the compressed network gives the layer is much like what the original does, and so is the ridge.
      let metric = calibration.metrics[stop.group]
      let fit = try ResponseFit(
        kernel.values, moments, metric: metric, fitsBias: reading.fitsBias,
        ridgeParts: calibration.known.layers[cost.names[0]]?.ridgeParts,
        starts: starts[cost.names[0]]?.map(\.kernel))
      options.error = fit
      let planner = LayerPlanner(options: options)
      var choice = planner.factor(kernel, form, cost: cost)
      if case .factor(let factors) = choice, let rectifier, let rows,
        RectifiedFit.suits(reading, positions: moments.positions)
      {
        let rectified = RectifiedFit(
          planner: planner, kernel: kernel, form: form, cost: cost, reading: reading, rectifier: rectifier,
          metric: metric, moments: moments, rows: rows)
        choice = .factor(rectified.improved(factors, ridgeParts: fit.problems.map(\.ridgePart)))
      }
      return LayerPlan(choice: choice, spectrum: nil)
    } catch {
      return LayerPlan(choice: .keep(reason: "\(error)"), spectrum: nil)
    }
  }
}
