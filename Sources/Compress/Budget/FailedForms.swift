import Forms
import ModelGraph

/// The forms that layers could not be brought into, though they were chosen.
struct FailedForms {
  /// By group of layers.
  private var forms: [Int: [FactoredForm]] = [:]

  /// Takes a form that failed, as the plan says, out of a group's candidates; with the second failure of one kind, the whole
  /// kind: what ails two ranks will ail the others.
  mutating func ruleOut(
    _ form: FactoredForm?, of group: Int, _ plan: LayerPlan?, from candidates: inout ModelCandidates,
    _ model: ModelGraph
  ) {
    guard let form, case .keep(let reason) = plan?.choice else { return }
    forms[group, default: []].append(form)
    let known = forms[group] ?? []
    candidates.restrict(group: group, of: model, reason: reason) { form in
      !known.contains(form) && known.filter { $0.kind == form.kind }.count < 2
    }
  }

  /// That the budget cannot be reached, and what keeps it from being less.
  func outOfReach(_ candidates: ModelCandidates) -> String {
    let whole = candidates.outOfReach
    let failures = forms.keys.sorted().compactMap { group in
      candidates.reason(group).map { "'\(candidates.work.name(ofGroup: group))': \($0)" }
    }
    return failures.isEmpty ? whole : "\(whole), without what fails in \(failures.joined(separator: "; "))"
  }
}
