import Decompose
import Forms
import LinearAlgebra
public import ModelGraph
import Network

/// What inputs without labels say of a model's layers: how far each form would be off on them, and what that does to the
/// network's outputs.
///
/// The first of two passes, over the original network. Choices follow from it as they do without data, by the measure of errors
/// in `options`; `ModelGraph.compress(_:calibration:)` is the second pass, in which each layer is fitted on what the
/// compressed network really gives it.
public struct Calibration: Sendable {
  /// The options that were given, with errors measured by the data.
  public let options: CompressionOptions
  /// What the first pass found of the layers.
  let known: ForetoldError
  let samples: CalibrationSamples
  let work: LayerWork
  let route: CalibrationRoute
  /// By layer.
  let readings: [Int: LayerReading]
  /// By group of layers: what errors of their responses count.
  let metrics: [Int: LayerMetric]
  /// Why they count alike; nil where they do not.
  let notWeighed: String?
  /// Sums over the original network's data, of kernels that several layers share: these are fitted on them.
  let shared: [Int: LayerMoments]
  let probes: [CompressionReport.Calibration.Probe]
  /// Positions that were fitted to, of all layers together.
  let positions: Int

  /// What another first pass has found.
  init(
    options: CompressionOptions, known: ForetoldError, samples: CalibrationSamples, work: LayerWork,
    route: CalibrationRoute, readings: [Int: LayerReading], metrics: [Int: LayerMetric],
    shared: [Int: LayerMoments], probes: [CompressionReport.Calibration.Probe], positions: Int,
    notWeighed: String?
  ) {
    (self.options, self.known, self.samples, self.work, self.route) = (options, known, samples, work, route)
    (self.readings, self.shared, self.probes, self.positions) = (readings, shared, probes, positions)
    (self.metrics, self.notWeighed) = (metrics, notWeighed)
  }

  /// Sends the samples through the network and looks at every layer.
  ///
  /// **Throws** `CompressError` for samples that do not fit the network, networks that do not run here, and options that do
  /// not fit the model.
  ///
  /// **Complexity** one run of the network a sample and the rest of it behind each layer for six samples, twice; about three runs
  /// of some of the samples for what errors count (see `OutputMetrics`); for each layer
  /// n² multiplies a position looked at (see `SampledPositions`), and its fits. Values on their way take up to 2 GiB of
  /// memory, then disk; a layer about five matrices of n² numbers in Double.
  public init(
    _ model: ModelGraph, _ options: CompressionOptions, samples: CalibrationSamples,
    progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) {
    let work = try LayerWork(model, options)
    var pass = try OriginalPass(model, work, samples, threads: options.threads)
    var seen = try SymmetricLook(pass, options)
    try pass.run(&seen, progress)
    (self.samples, self.work, route) = (samples, work, pass.route)
    (readings, shared, probes, positions) = (seen.readings, seen.shared, seen.probes, seen.positions)
    (metrics, notWeighed) = (seen.metrics.layers, seen.metrics.obstacle)
    known = seen.error
    var measured = options
    measured.error = seen.error
    self.options = measured
  }

  /// The options with errors measured by the weights, where some layers' `factors` are found already.
  func byWeights(knowing factors: [String: [Decomposition<Float>]]) -> CompressionOptions {
    var options = options
    options.error = SearchedError(known: known, factors: factors)
    return options
  }
}

/// What the pass over the original network finds.
private struct SymmetricLook: LayerObserver {
  private let model: ModelGraph
  private let options: CompressionOptions
  private let work: LayerWork
  private let samples: CalibrationSamples
  private let route: CalibrationRoute
  private let probe: OutputProbe
  private let judges: Set<Int>
  private(set) var readings: [Int: LayerReading] = [:]
  let metrics: OutputMetrics
  /// The sums of the layer that is looked at; nil where it cannot be read.
  private var collector: MomentsCollector?
  /// Sums of kernels with several uses, as far as these have been seen.
  private(set) var shared: [Int: LayerMoments] = [:]
  private(set) var error = ForetoldError()
  private(set) var probes: [CompressionReport.Calibration.Probe] = []
  private(set) var positions = 0

  init(_ pass: OriginalPass, _ options: CompressionOptions) throws(CompressError) {
    (model, work, samples, route) = (pass.model, pass.work, pass.samples, pass.route)
    self.options = options
    probe = try OutputProbe(model, samples, threads: options.threads)
    judges = Set(samples.spreadJudges(OutputProbe.samples))
    let planner = LayerPlanner(options: options)
    for stop in route.stops where planner.obstacle(work.groups[stop.group].cost) == nil {
      readings[stop.layer] = try? LayerReading(work.layers[stop.layer], model)
    }
    metrics = try OutputMetrics(model, route, readings, samples, threads: options.threads)
  }

  func isProbed(_ sample: Int) -> Bool { judges.contains(sample) }

  mutating func begin(_ stop: CalibrationRoute.Stop) -> LayerReading? {
    collector = readings[stop.layer].map {
      MomentsCollector($0, samples, metric: metrics.layers[stop.group], threads: options.threads)
    }
    return readings[stop.layer]
  }

  mutating func add(_ sample: Int, input: NetworkTensor?, response: NetworkTensor?) {
    if collector?.add(sample: sample, input: input, response: response) == false { collector = nil }
  }

  mutating func finish(
    _ stop: CalibrationRoute.Stop, dense: CalibrationPiece, _ track: CalibrationTrack
  ) throws(CompressError) {
    guard let reading = readings[stop.layer], let moments = collector?.finish().moments else {
      readings[stop.layer] = nil
      return
    }
    collector = nil
    try look(stop, reading, moments, dense, track)
  }

  /// Analyses a layer once all uses of its kernel have been seen.
  private mutating func look(
    _ stop: CalibrationRoute.Stop, _ reading: LayerReading, _ own: LayerMoments, _ dense: CalibrationPiece,
    _ track: CalibrationTrack
  ) throws(CompressError) {
    let group = work.groups[stop.group]
    positions += own.positions
    var moments = own
    if group.members.count > 1 {
      if let earlier = shared[stop.group] { moments.add(earlier) }
      shared[stop.group] = moments
      guard route.stops.last(where: { $0.group == stop.group })?.layer == stop.layer else { return }
    }
    let planner: LayerPlanner
    let kernel: LayerKernel
    let fit: ResponseFit
    do {
      kernel = try model.layerKernel(of: reading.layer)
      fit = try SharedWork.withThreads(options.threads) { () throws(DecomposeError) in
        try ResponseFit(
          kernel.values, moments, metric: metrics.layers[stop.group], fitsBias: reading.fitsBias)
      }
      var options = options
      options.error = fit
      planner = LayerPlanner(options: options)
    } catch {
      // What cannot be fitted goes by its weights.
      shared[stop.group] = nil
      readings[stop.layer] = nil
      return
    }
    let kinds = planner.recordedErrors(kernel.values, group.cost)
    var layer = ForetoldError.Layer(
      kinds: kinds, weight: 1, ridgeParts: fit.problems.map(\.ridgePart))
    var probing = planner.options
    probing.method = .auto
    let prober = LayerPlanner(options: probing)
    let rest = try model.rest(behind: stop, threads: options.threads)
    func effect(ofError error: Double, samples: Int) throws(CompressError) -> ProbedForm? {
      guard let form = prober.probe(ofError: error, kernel.values, group.cost) else { return nil }
      let choice = SharedWork.withThreads(options.threads) { prober.factor(kernel, form, cost: group.cost) }
      guard case .factor(let factors) = choice else { return nil }
      let own = try model.factoredPiece(
        of: stop, output: reading.output, factors, threads: options.threads)
      let measured = try probe.error(
        own: own, dense: dense, rest: rest, of: track, layer: reading, samples: samples)
      guard let measured, factors.fittedError > 0 else { return nil }
      return ProbedForm(form: form, fitted: factors.fittedError, outputs: measured)
    }
    if let weighed = try effect(ofError: Self.weighedError, samples: OutputProbe.samples) {
      layer.weight = weighed.outputs / (weighed.fitted * weighed.fitted) * Double(group.members.count)
      // Whether the weight holds is seen at another error: where it was measured it would agree with itself.
      if let other = try effect(ofError: Self.judgedError, samples: OutputProbe.judgedSamples),
        other.form != weighed.form
      {
        probes.append(
          .init(
            layer: reading.layer.name, predicted: layer.weight * other.fitted * other.fitted,
            measured: other.outputs))
      }
    }
    error.layers[group.cost.names[0]] = layer
  }

  /// The relative error of a layer's response at which its weight is measured: about what layers are off by in networks that are of
  /// use. Weights measured at 0.2 foretold the digit recogniser's error at half of its multiplies as 2.3 of what it was, at 0.05 as
  /// 1.1, and led to worse choices.
  private static var weighedError: Double { 0.05 }
  /// The one at which the weight is held against what happens.
  private static var judgedError: Double { 0.1 }
}

/// What a layer in one form did to a few samples: the relative error it was fitted to, and the square of that which the
/// network's outputs then had.
private struct ProbedForm {
  let form: FactoredForm
  let fitted: Double
  let outputs: Double
}

extension CalibrationTrack {
  /// Bytes of the values on their way that stay in memory, of all tracks of a pass together. What goes to a file and comes
  /// back from it is copied twice into memory of its own, which takes longer than most layers do.
  static var mostBytes: Int { 2 << 30 }

  /// Bytes of blocks that a pass keeps at hand beside these for values and matrices to come: three Gram matrices of 4,608
  /// numbers, or the maps of some samples.
  static var keptBytes: Int { 1 << 29 }
}
