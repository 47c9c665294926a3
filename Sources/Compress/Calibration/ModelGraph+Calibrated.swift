import Decompose
import Forms
public import ModelGraph

extension ModelGraph {
  /// Factors the layers of the model in place within a budget, each fitted to what the compressed network gives it and what
  /// the original one makes.
  ///
  /// `candidates` are of the same model with the options of `calibration`; the forms and ranks that they give are fitted in
  /// the graph's order. Kernels that several layers share are fitted on the original network's data of all of them.
  ///
  /// **Throws** `CompressError` where no choice of forms and ranks is as cheap as the budget; the model is then as it was.
  public mutating func compress(
    _ candidates: ModelCandidates, calibration: Calibration, progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) -> CompressionReport {
    try compress(candidates, calibration, fraction: candidates.budget.fraction, progress)
  }

  /// Factors the layers as far as the finished network's answers on the samples that judge stay like the original's: for
  /// each output the same class for at least a part `likeness` of them, or where an output names no classes a relative error
  /// of at most 1 less that. The cheapest such network of those tried, no cheaper than the budget of the candidates.
  ///
  /// Where none is like enough, the model stays as it is.
  ///
  /// **Throws** as `compress(_:calibration:)` does.
  ///
  /// **Complexity** eight second passes at most: halving the room between the budget and the whole six times tells
  /// fractions to a sixty-fourth of it.
  public mutating func compress(
    _ candidates: ModelCandidates, calibration: Calibration, keeping likeness: Double,
    progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) -> CompressionReport {
    var (low, high) = (max(candidates.budget.fraction, candidates.leastFraction * (1 + 1e-9)), 1.0)
    var best: (model: ModelGraph, report: CompressionReport)?
    for step in 0...6 {
      // The budget itself first: often it will do.
      let fraction = step == 0 ? low : (low + high) / 2
      var model = self
      let report = try model.compress(candidates, calibration, fraction: fraction, progress)
      guard report.calibration?.likeness ?? 0 >= likeness else {
        low = fraction
        continue
      }
      best = (model, report)
      high = fraction
      if step == 0 { break }
    }
    guard let best else { return try compress(candidates, calibration, fraction: 1, progress) }
    self = best.model
    return best.report
  }

  private mutating func compress(
    _ candidates: ModelCandidates, _ calibration: Calibration, fraction: Double,
    _ progress: @Sendable (Progress) -> Void
  ) throws(CompressError) -> CompressionReport {
    var candidates = candidates
    var failed: [Int: [FactoredForm]] = [:]
    let original = self
    while true {
      guard let allocation = candidates.allocation(fraction: fraction) else {
        throw .model(.model(path: path, reason: candidates.outOfReach))
      }
      let forms = candidates.forms(allocation)
      var pass = try AsymmetricPass(original, calibration, forms)
      try pass.run(progress)
      let failures = forms.indices.filter { forms[$0].form != nil && pass.plans[$0]?.isFactored != true }
      guard failures.isEmpty else {
        for group in failures {
          guard let form = forms[group].form, case .keep(let reason) = pass.plans[group]?.choice else {
            continue
          }
          failed[group, default: []].append(form)
          let known = failed[group] ?? []
          candidates.restrict(group: group, of: self, reason: reason) { form in
            !known.contains(form) && known.filter { $0.kind == form.kind }.count < 2
          }
        }
        continue
      }
      for group in pass.plans.keys { pass.plans[group]?.spectrum = candidates.spectra[group] }
      var report = rewrite(calibration.work, pass.plans, calibration.options)
      report.allocation = CompressionReport.Allocation(
        unit: candidates.budget.measure.unit, fraction: fraction,
        achieved: candidates.total > 0 ? candidates.cost(allocation) / candidates.total : 1,
        squaredError: allocation.error, lowerBound: min(allocation.error, allocation.lowerBound))
      report.calibration = try calibration.report(original, self, foretold: allocation.error)
      return report
    }
  }
}

extension Calibration {
  /// How far a finished network's answers are from the original's on the samples that judge.
  func report(
    _ original: ModelGraph, _ finished: ModelGraph, foretold: Double
  ) throws(CompressError) -> CompressionReport.Calibration {
    let threads = options.threads
    let pieces = [
      try CalibrationPiece(original, threads: threads), try CalibrationPiece(finished, threads: threads),
    ]
    let names = original.main.outputs.map(\.name)
    var differences = names.map { _ in OutputDifference() }
    for sample in samples.judges {
      let first = try pieces[0].run(samples.inputs[sample])
      let second = try pieces[1].run(samples.inputs[sample])
      for (place, name) in names.enumerated() { differences[place].add(first[name], second[name]) }
    }
    let outputs = zip(names, differences).map { name, difference in
      CompressionReport.Calibration.Output(
        name: name, relativeError: difference.relativeSquared.squareRoot(),
        predictedError: foretold.squareRoot(), agreement: difference.agreement,
        decibels: difference.decibels)
    }
    let held = samples.inputs.indices.filter { samples.isHeldOut($0) }.count
    return CompressionReport.Calibration(
      samples: samples.inputs.count - held, heldOut: held, positions: positions, fit: "asymmetric",
      outputs: outputs, probes: probes)
  }
}

extension CompressionReport.Calibration {
  /// The least that the outputs keep: agreement of classes where they name some, else what the relative error leaves of 1.
  fileprivate var likeness: Double {
    outputs.map { $0.agreement ?? max(0, 1 - $0.relativeError) }.min() ?? 0
  }
}

extension LayerPlan {
  /// Whether the layer was brought into a form.
  var isFactored: Bool { if case .factor = choice { true } else { false } }
}
