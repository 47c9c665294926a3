import Decompose
import Forms
public import ModelGraph

extension ModelGraph {
  /// Factors the layers of the model in place within a budget, from an analysis of the same model.
  ///
  /// Where a layer cannot be factored as allocated, e.g. because its factors overflow half precision, the budget is
  /// allocated anew without that form of it, until what is chosen can be written. What the report says of the allocation
  /// is measured on what was written.
  ///
  /// **Throws** `CompressError` where no choice of forms and ranks is as cheap as the budget; the model is then as it was.
  public mutating func compress(
    _ candidates: ModelCandidates, progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) -> CompressionReport {
    var budgeted = BudgetedPlans(candidates)
    let allocation = try budgeted.settle(self, progress)
    let settled = budgeted.candidates.settled(allocation, written: budgeted.plans.compactMapValues(\.written))
    let (cost, total) = (budgeted.candidates.cost(allocation), candidates.total)
    var report = rewrite(candidates.work, budgeted.plans, candidates.options)
    report.allocation = CompressionReport.Allocation(
      unit: candidates.budget.measure.unit, fraction: candidates.budget.fraction,
      achieved: total > 0 ? cost / total : 1, squaredError: settled.error,
      lowerBound: settled.lowerBound)
    return report
  }
}

/// The plans of the groups under a budget: allocated, factored, and allocated again where that failed.
private struct BudgetedPlans {
  private(set) var candidates: ModelCandidates
  /// By group.
  private(set) var plans: [Int: LayerPlan] = [:]
  private var failed = FailedForms()

  init(_ candidates: ModelCandidates) { self.candidates = candidates }

  /// Allocates and factors until every form that is chosen could be factored.
  ///
  /// Each round but the last rules out a form or more; what was factored and is still chosen stays.
  mutating func settle(
    _ model: ModelGraph, _ progress: @Sendable (Progress) -> Void
  ) throws(CompressError) -> Allocation {
    while true {
      guard let allocation = candidates.allocation(fraction: candidates.budget.fraction) else {
        throw .model(.model(path: model.path, reason: failed.outOfReach(candidates)))
      }
      let forms = candidates.forms(allocation)
      for (group, (form, reason)) in forms.enumerated() where form == nil {
        plans[group] = LayerPlan(choice: .keep(reason: reason ?? "kept"), spectrum: candidates.spectra[group])
      }
      let work = candidates.work
      let unfinished = work.largestFirst.filter { forms[$0].form != plans[$0]?.form }
      let (planner, spectra) = (LayerPlanner(options: candidates.options), candidates.spectra)
      let made = model.plans(unfinished, work, candidates.options, progress) { kernel, group in
        let choice = forms[group].form.map { planner.factor(kernel, $0, cost: work.groups[group].cost) }
        return LayerPlan(choice: choice ?? .keep(reason: "kept"), spectrum: spectra[group])
      }
      try candidates.options.error.requireSound()
      plans.merge(made) { $1 }
      let failures = made.keys.sorted().filter { plans[$0]?.form == nil }
      if failures.isEmpty { return allocation }
      for group in failures {
        failed.ruleOut(forms[group].form, of: group, plans[group], from: &candidates, model)
      }
    }
  }
}

extension LayerPlan {
  /// The form that the layer was brought into; nil where it is kept.
  fileprivate var form: FactoredForm? {
    if case .factor(let factors) = choice { factors.form } else { nil }
  }

  /// The form with the relative error of the layer as written, in the norm that it was fitted in; nil where it is kept.
  fileprivate var written: RankedForm? {
    guard case .factor(let factors) = choice else { return nil }
    return RankedForm(form: factors.form, relativeError: factors.fittedError)
  }
}
