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
  /// The forms that could not be written, by group.
  private var failed: [Int: [FactoredForm]] = [:]

  init(_ candidates: ModelCandidates) { self.candidates = candidates }

  /// Allocates and factors until every form that is chosen could be factored.
  ///
  /// Each round but the last rules out a form or more; what was factored and is still chosen stays.
  mutating func settle(
    _ model: ModelGraph, _ progress: @Sendable (Progress) -> Void
  ) throws(CompressError) -> Allocation {
    while true {
      guard let allocation = candidates.allocation(fraction: candidates.budget.fraction) else {
        throw .model(.model(path: model.path, reason: outOfReach))
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
      for group in failures { ruleOut(forms[group].form, of: group, model) }
    }
  }

  /// Takes a form that failed out of a group's candidates; with the second failure of one kind, the whole kind: what
  /// ails two ranks will ail the others.
  private mutating func ruleOut(_ form: FactoredForm?, of group: Int, _ model: ModelGraph) {
    guard let form, case .keep(let reason) = plans[group]?.choice else { return }
    failed[group, default: []].append(form)
    let known = failed[group] ?? []
    candidates.restrict(group: group, of: model, reason: reason) { form in
      !known.contains(form) && known.filter { $0.kind == form.kind }.count < 2
    }
  }

  /// What can be reached, and what keeps it from being less.
  private var outOfReach: String {
    let whole = candidates.outOfReach
    let failures = failed.keys.sorted().compactMap { group in
      candidates.reason(group).map { "'\(candidates.work.name(ofGroup: group))': \($0)" }
    }
    return failures.isEmpty ? whole : "\(whole), without what fails in \(failures.joined(separator: "; "))"
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
