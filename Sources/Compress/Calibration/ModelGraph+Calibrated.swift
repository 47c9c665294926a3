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
    var candidates = candidates
    var failed: [Int: [FactoredForm]] = [:]
    let original = self
    while true {
      let fraction = candidates.budget.fraction
      guard let allocation = candidates.allocation(fraction: fraction) else {
        throw .model(.model(path: path, reason: candidates.outOfReach))
      }
      let forms = candidates.forms(allocation)
      var pass = try AsymmetricPass(original, calibration, forms)
      try pass.run(progress)
      let failures = forms.indices.filter { forms[$0].form != nil && pass.plans[$0]?.isFactored != true }
      guard failures.isEmpty else {
        for group in failures {
          guard let form = forms[group].form, case .keep(let reason) = pass.plans[group]?.choice else { continue }
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

extension LayerPlan {
  /// Whether the layer was brought into a form.
  var isFactored: Bool { if case .factor = choice { true } else { false } }
}
