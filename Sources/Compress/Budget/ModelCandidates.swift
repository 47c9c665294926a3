import Decompose
public import ModelGraph
import Forms
import Tensors

/// Every layer of a model analysed in every form: from this, the best choice for any budget follows without looking at
/// a kernel again.
public struct ModelCandidates: Sendable {
  let work: LayerWork
  /// The options that they were made by; errors are measured by the data where there were some.
  public let options: CompressionOptions
  private(set) var budget: Budget
  /// One entry a group of layers that share a kernel.
  private var candidates: [LayerCandidates]
  /// The forms that were analysed, by group, whatever they cost.
  private let forms: [[RankedForm]]
  /// What an error of each group weighs.
  private let sensitivities: [Double]
  /// Why a group can only be kept, or why forms of it were ruled out.
  private var reasons: [String?]
  /// What the analysis of each group found, where the options ask for it.
  let spectra: [LayerSpectrum?]
  /// The cost of the layers that are in no group, which are kept.
  private var fixedCost: Double
  /// The cost of all layers as they are.
  private(set) var total: Double

  /// Analyses a model for `options.budget`, whatever its fraction.
  ///
  /// **Throws** `CompressError` for options that do not fit the model, or where a layer's cost is unknown to the
  /// budget's measure.
  ///
  /// **Complexity** for each layer and form one eigenproblem or two; CP forms are found by iteration at three ranks of
  /// a large kernel, seven of a smaller one.
  public init(
    _ model: ModelGraph, _ options: CompressionOptions, progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) {
    guard let budget = options.budget else {
      throw .option(name: "budget", reason: "candidates are for a budget, and none is given")
    }
    let work = try LayerWork(model, options)
    (self.work, self.options, self.budget) = (work, options, budget)
    (total, fixedCost) = try Self.totals(work, budget, path: model.path)
    sensitivities = try work.weights(options.sensitivities)
    let found = Self.analyse(model, work, LayerPlanner(options: options), budget, progress)
    candidates = zip(found, sensitivities).map { $0.candidates.weighted(by: $1) }
    reasons = found.map(\.reason)
    spectra = found.map(\.spectrum)
    forms = found.map(\.forms)
  }

  /// Counts in another measure, of the same analysis.
  ///
  /// **Throws** as `init` does, where a layer's cost is unknown to the measure.
  mutating func reprice(in measure: any CostMeasure, path: String) throws(CompressError) {
    budget = Budget(budget.fraction, of: measure)
    (total, fixedCost) = try Self.totals(work, budget, path: path)
    for group in candidates.indices where !Self.isFixed(group, work, budget) {
      candidates[group] = Self.priced(forms[group], work.groups[group].cost, budget, options.error)
        .weighted(by: sensitivities[group])
    }
  }

  /// The cost of the whole model as it is, and what of it stays whatever is chosen.
  private static func totals(
    _ work: LayerWork, _ budget: Budget, path: String
  ) throws(CompressError) -> (total: Double, fixed: Double) {
    let rest = budget.measure.rest
    let total = try denseCosts(work, budget.measure, path: path).reduce(rest.before, +)
    let grouped = work.groups.indices.filter { !isFixed($0, work, budget) }
    let fixed = grouped.reduce(total) {
      $0 - (budget.measure.cost(of: work.groups[$1].cost, in: .dense) ?? 0)
    }
    return (total, fixed + rest.after - rest.before)
  }

  /// The cost of each layer that counts: of those that share a weight, one alone where the measure says so.
  private static func denseCosts(
    _ work: LayerWork, _ measure: any CostMeasure, path: String
  ) throws(CompressError) -> [Double] {
    var seen = Set<String>()
    var costs: [Double] = []
    for (layer, measured) in zip(work.layers, work.costs) {
      guard let measured, !measure.isShared || seen.insert(layer.weight).inserted else { continue }
      guard let cost = measure.cost(of: measured, in: .dense) else {
        let inputs = work.openInputs.map { "; the model takes \($0)" } ?? ""
        let reason = "its \(measure.unit) are unknown, \(measure.advice)\(inputs)"
        throw .model(.node(path: path, name: layer.name, reason: reason))
      }
      costs.append(cost)
    }
    // Up to there sums of counts are exact.
    guard costs.reduce(0, +) <= 0x1p53 else {
      throw .model(
        .model(
          path: path, reason: "its \(measure.unit) are too many to be shared out: are its extents meant?"))
    }
    return costs
  }

  /// Whether a group is kept because its weight would stay for others, and its factors come on top.
  private static func isFixed(_ group: Int, _ work: LayerWork, _ budget: Budget) -> Bool {
    budget.measure.isShared && work.sharesItsWeight(group)
  }

  /// What the analysis of a group of layers found.
  private struct Findings: Sendable {
    let candidates: LayerCandidates
    let reason: String?
    let spectrum: LayerSpectrum?
    var forms: [RankedForm] = []
  }

  private static func analyse(
    _ model: ModelGraph, _ work: LayerWork, _ planner: LayerPlanner, _ budget: Budget,
    _ progress: @Sendable (Progress) -> Void
  ) -> [Findings] {
    let order = work.largestFirst
    let threads = planner.options.threads
    let results = work.eachInParallel(of: order, threads: threads, .trying, progress) { index in
      findings(model, work, group: index, planner, budget) { _ in true }
    }
    let byGroup = Dictionary(uniqueKeysWithValues: zip(order, results))
    return work.groups.indices.compactMap { byGroup[$0] }
  }

  /// Analyses one group in the forms that `allows` lets through.
  private static func findings(
    _ model: ModelGraph, _ work: LayerWork, group index: Int, _ planner: LayerPlanner, _ budget: Budget,
    allows: (FactoredForm) -> Bool
  ) -> Findings {
    if isFixed(index, work, budget) {
      return Findings(
        candidates: LayerCandidates(keptAt: 0),
        reason: "layers that it would not be factored with need its weight too", spectrum: nil)
    }
    let group = work.groups[index]
    do throws(ModelError) {
      let kernel = try model.kernel(of: work.layers[group.members[0]])
      let (forms, reason, spectrum) = planner.candidates(kernel, group.cost)
      let allowed = forms.filter { allows($0.form) }
      let list = priced(allowed, group.cost, budget, planner.options.error)
      return Findings(
        candidates: list, reason: reason ?? (list.candidates.count == 1 ? "no form saves anything" : nil),
        spectrum: spectrum, forms: allowed)
    } catch {
      return Findings(
        candidates: priced([], group.cost, budget, planner.options.error), reason: error.description,
        spectrum: nil)
    }
  }

  /// The forms of a group of layers that are worth their cost, and the layers as they are.
  private static func priced(
    _ forms: [RankedForm], _ layers: MeasuredLayer, _ budget: Budget, _ error: any ErrorMeasure
  ) -> LayerCandidates {
    LayerCandidates(
      forms, dense: budget.measure.cost(of: layers, in: .dense) ?? 0, leastSaving: LayerPlanner.leastSaving,
      cost: { budget.measure.cost(of: layers, in: $0) }, error: { error.error(of: layers, in: $0) })
  }

  /// Analyses one group anew in the forms that `allows` lets through, because `reason` ruled others out.
  mutating func restrict(
    group: Int, of model: ModelGraph, reason: String, allows: (FactoredForm) -> Bool
  ) {
    let found = Self.findings(
      model, work, group: group, LayerPlanner(options: options), budget, allows: allows)
    candidates[group] = found.candidates.weighted(by: sensitivities[group])
    reasons[group] = reason
  }

  /// The best choice for a fraction of the dense cost; nil where no choice is that cheap.
  func allocation(fraction: Double) -> Allocation? {
    Allocation(candidates, budget: room(fraction: fraction), step: budget.measure.step)
  }

  /// What the groups may cost together.
  private func room(fraction: Double) -> Double {
    let (whole, step) = (fraction * total, budget.measure.step)
    return (step > 0 ? (whole / step).rounded(.down) * step : whole) - fixedCost
  }

  /// An allocation measured by the errors of the factors as written, by group, none where it is kept: its sum, and the
  /// Lagrangian bound of all choices whose candidates have these errors where written, and elsewhere those that the
  /// choice went by. The choice itself is among them, so the bound is at most its sum.
  func settled(
    _ allocation: Allocation, written: [Int: RankedForm]
  ) -> (error: Double, lowerBound: Double) {
    let known = candidates.indices.map { group in
      let error = written[group].map { options.error.error(of: work.groups[group].cost, in: $0) } ?? 0
      return candidates[group].setting(sensitivities[group] * error, at: allocation.choices[group])
    }
    let sum = zip(known, allocation.choices).reduce(0) { $0 + $1.0.candidates[$1.1].error }
    let bound = LagrangianRelaxation(known, budget: room(fraction: budget.fraction)).bound
    // Rounding of the sums alone can put the bound above the sum.
    return (sum, min(sum, max(0, bound)))
  }

  /// The cheapest that the model can become, as a fraction of its cost.
  var leastFraction: Double {
    let least = candidates.reduce(fixedCost) { $0 + $1.candidates[0].cost }
    return total > 0 ? least / total : 1
  }

  /// That the budget cannot be reached, in words.
  var outOfReach: String {
    let least = Double(Int((leastFraction * 1000).rounded(.up))) / 1000
    return
      "\((budget.fraction * 1e4).rounded() / 1e4) of its \(budget.measure.unit) cannot be reached; \(least) is the least possible"
  }

  /// The form that an allocation gives each group, nil to keep it, and why it is kept.
  func forms(_ allocation: Allocation) -> [(form: FactoredForm?, reason: String?)] {
    zip(zip(candidates, allocation.choices), reasons).map { choice, reason in
      let form = choice.0.candidates[choice.1].form
      return (form, form == nil ? reason ?? "the budget is better spent on keeping it" : nil)
    }
  }

  /// Why a group can only be kept, or why forms of it were ruled out; nil where neither is so.
  func reason(_ group: Int) -> String? { reasons[group] }

  /// The whole cost of an allocation.
  func cost(_ allocation: Allocation) -> Double { fixedCost + allocation.cost }
}

extension LayerPlanner {
  /// Every form of a kernel with its error, or why there is none; and its spectrum, if asked for.
  fileprivate func candidates(
    _ kernel: Tensor<Float>, _ cost: MeasuredLayer
  ) -> ([RankedForm], String?, LayerSpectrum?) {
    if let reason = obstacle(cost) { return ([], reason, nil) }
    do throws(DecomposeError) {
      var forms: [RankedForm] = []
      var spectrum = options.recordsSpectra ? LayerSpectrum(curves: []) : nil
      for kind in kinds(cost) where options.budget?.measure.rulesOut(kind, for: cost) != true {
        let analysis = try LayerAnalysis(kernel, cost, kind: kind, error: options.error)
        forms += try analysis.candidates(multiple: options.rankMultiple)
        spectrum?.add(analysis.curves)
      }
      return (forms, nil, spectrum)
    } catch {
      return ([], error.description, nil)
    }
  }
}
