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
  /// What comes of it is held against the network that the same budget gives without data: where that one's answers are nearer
  /// to the original's on the samples that judge, it is the one that is taken, and the report says so.
  ///
  /// **Throws** `CompressError` where no choice of forms and ranks is as cheap as the budget; the model is then as it was.
  public mutating func compress(
    _ candidates: ModelCandidates, calibration: Calibration, progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) -> CompressionReport {
    let original = self
    let fraction = candidates.budget.fraction
    let (report, starts) = try compress(candidates, calibration, fraction: fraction, progress)
    return try compare(
      report, with: candidates.budget, original, calibration, knowing: starts, progress)
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
    let original = self
    var (low, high) = (max(candidates.budget.fraction, candidates.leastFraction * (1 + 1e-9)), 1.0)
    var best: (model: ModelGraph, report: CompressionReport, starts: [String: [Decomposition<Float>]])?
    for step in 0...6 {
      // The budget itself first: often it will do.
      let fraction = step == 0 ? low : (low + high) / 2
      var model = self
      let (report, starts) = try model.compress(candidates, calibration, fraction: fraction, progress)
      guard report.calibration?.likeness ?? 0 >= likeness else {
        low = fraction
        continue
      }
      best = (model, report, starts)
      high = fraction
      if step == 0 { break }
    }
    guard let best else { return try compress(candidates, calibration, fraction: 1, progress).report }
    self = best.model
    let budget = Budget(high, of: candidates.budget.measure)
    // The network without data may be nearer on the whole and yet not keep what was asked for.
    let compared = try compare(
      best.report, with: budget, original, calibration, knowing: best.starts, progress)
    if compared.calibration?.likeness ?? 0 >= likeness { return compared }
    self = best.model
    return best.report
  }

  /// Factors the layers, and gives besides the report the factors in the weights' norm that the fits started from.
  private mutating func compress(
    _ candidates: ModelCandidates, _ calibration: Calibration, fraction: Double,
    _ progress: @Sendable (Progress) -> Void
  ) throws(CompressError) -> (report: CompressionReport, starts: [String: [Decomposition<Float>]]) {
    var candidates = candidates
    var failed = FailedForms()
    let original = self
    while true {
      guard let allocation = candidates.allocation(fraction: fraction) else {
        throw .model(.model(path: path, reason: failed.outOfReach(candidates)))
      }
      let forms = candidates.forms(allocation)
      var pass = try AsymmetricPass(original, calibration, forms)
      try pass.run(progress)
      let failures = forms.indices.filter { forms[$0].form != nil && pass.plans[$0]?.isFactored != true }
      guard failures.isEmpty else {
        for group in failures {
          failed.ruleOut(forms[group].form, of: group, pass.plans[group], from: &candidates, self)
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
      return (report, pass.starts)
    }
  }

  /// Holds this model, the finished one, against what the same budget gives without data, and becomes that where it is nearer
  /// to the original. `factors` are such in the weights' norm, by the name of the layer, that need not be found again.
  mutating func compare(
    _ report: CompressionReport, with budget: Budget, _ original: ModelGraph, _ calibration: Calibration,
    knowing factors: [String: [Decomposition<Float>]] = [:], _ progress: @Sendable (Progress) -> Void
  ) throws(CompressError) -> CompressionReport {
    guard var known = report.calibration, known.outputs.contains(where: { $0.tellingError > 0 }) else {
      return report
    }
    var options = calibration.byWeights(knowing: factors)
    options.budget = budget
    var (plain, result) = (original, report)
    do throws(CompressError) {
      let candidates = try ModelCandidates(original, options, progress: progress)
      var other = try plain.compress(candidates, progress: progress)
      let found = try calibration.report(original, plain, foretold: nil)
      if found.meanError < known.meanError {
        known.rejected(for: found)
        other.calibration = known
        self = plain
        return other
      }
      known.note(uncalibrated: found)
    } catch {
      // The budget may be in reach of the data's forms alone.
      known.notCompared = error.description
    }
    result.calibration = known
    return result
  }
}

extension CompressionReport.Calibration {
  /// The least that the outputs keep: agreement of classes where they name some, else what the relative error leaves of 1.
  fileprivate var likeness: Double {
    outputs.map { $0.agreement ?? max(0, 1 - $0.relativeError) }.min() ?? 0
  }

  /// What networks of one budget are compared by.
  fileprivate var meanError: Double {
    outputs.reduce(0) { $0 + $1.tellingError * $1.tellingError } / Double(max(1, outputs.count))
  }

  /// Says how near the network without data comes.
  fileprivate mutating func note(uncalibrated plain: Self) {
    for place in outputs.indices {
      outputs[place].uncalibratedError = plain.outputs[place].relativeError
      outputs[place].uncalibratedScoreError = plain.outputs[place].scoreError
    }
  }

  /// Says that the network without data was taken: its answers count, and those of the other are kept beside them.
  fileprivate mutating func rejected(for plain: Self) {
    fit = "weights"
    let own = outputs
    (outputs, pictures) = (plain.outputs, plain.pictures)
    note(uncalibrated: plain)
    for place in own.indices { outputs[place].rejectedError = own[place].tellingError }
  }
}

extension LayerPlan {
  /// Whether the layer was brought into a form.
  var isFactored: Bool { if case .factor = choice { true } else { false } }
}
