import Decompose
public import ONNX
import TensorCore

/// Every layer of a model analysed in every form: from this, the best choice for any budget follows without looking at
/// a kernel again.
public struct ModelCandidates: Sendable {
  let work: LayerWork
  let options: CompressionOptions
  let budget: Budget
  /// One entry a group of layers that share a weight.
  private let candidates: [LayerCandidates]
  /// Why a group can only be kept.
  private let reasons: [String?]
  /// What the analysis of each group found, where the options ask for it.
  let spectra: [LayerSpectrum?]
  /// The cost of the layers that are in no group, which are kept.
  private let fixedCost: Int
  /// The cost of all layers as they are.
  let total: Int

  /// Analyses a model for `options.budget`, whatever its fraction.
  ///
  /// **Throws** `CompressError` for options that do not fit the model, or where the multiplies of a layer are unknown and
  /// the budget counts them.
  ///
  /// **Complexity** for each layer and form one eigenproblem or two; CP forms are found by iteration at three ranks of
  /// a large kernel, seven of a smaller one.
  public init(
    _ model: ONNXModel, _ options: CompressionOptions, progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) {
    guard let budget = options.budget else {
      throw .option(name: "budget", reason: "candidates are for a budget, and none is given")
    }
    let work = try LayerWork(model, options)
    (self.work, self.options, self.budget) = (work, options, budget)
    let costs = try Self.denseCosts(work, budget, path: model.path)
    let sensitivities = try work.weights(options.sensitivities)
    total = costs.reduce(0, +)
    let grouped = work.groups.reduce(0) { $0 + budget.cost(.dense, $1.cost) }
    fixedCost = total - grouped
    let found = Self.analyse(model, work, LayerPlanner(options: options), budget, progress)
    candidates = zip(found, sensitivities).map { $0.candidates.weighted(by: $1) }
    reasons = found.map(\.reason)
    spectra = found.map(\.spectrum)
  }

  /// The cost of each layer that counts: of those that share a weight, the weights count once.
  private static func denseCosts(
    _ work: LayerWork, _ budget: Budget, path: String
  ) throws(CompressError) -> [Int] {
    var seen = Set<String>()
    var costs: [Int] = []
    for (layer, cost) in zip(work.layers, work.costs) {
      guard let cost else { continue }
      switch budget {
      case .weights: if seen.insert(layer.weight).inserted { costs.append(cost.weights(.dense)) }
      case .multiplies:
        guard let multiplies = cost.multiplies(.dense) else {
          throw .model(
            .node(
              path: path, name: layer.name,
              reason: "its multiplies are unknown, as the model leaves shapes open: give --input-shape, or a "
                + "budget of weights with --params"))
        }
        costs.append(multiplies)
      }
    }
    return costs
  }

  /// What the analysis of a group of layers found.
  private struct Findings: Sendable {
    let candidates: LayerCandidates
    let reason: String?
    let spectrum: LayerSpectrum?
  }

  private static func analyse(
    _ model: ONNXModel, _ work: LayerWork, _ planner: LayerPlanner, _ budget: Budget,
    _ progress: @Sendable (Progress) -> Void
  ) -> [Findings] {
    let order = work.largestFirst
    let results = inParallel(order, threads: planner.options.threads) { done, index in
      progress(Progress(done: done, total: order.count, layer: work.name(ofGroup: index)))
    } _: { index -> Findings in
      let group = work.groups[index]
      let cost = { (form: FactoredForm) in budget.cost(form, group.cost) }
      do throws(ONNXError) {
        let kernel = try model.kernel(of: work.layers[group.members[0]])
        let (forms, reason, spectrum) = planner.candidates(kernel, group.cost)
        let list = LayerCandidates(forms, cost: cost, leastSaving: LayerPlanner.leastSaving)
        return Findings(
          candidates: list, reason: reason ?? (list.candidates.count == 1 ? "no form saves anything" : nil),
          spectrum: spectrum)
      } catch {
        return Findings(
          candidates: LayerCandidates(keptAt: cost(.dense)), reason: error.description, spectrum: nil)
      }
    }
    let byGroup = Dictionary(uniqueKeysWithValues: zip(order, results))
    return work.groups.indices.compactMap { byGroup[$0] }
  }

  /// The best choice for a fraction of the dense cost; nil where no choice is that cheap.
  func allocation(fraction: Double) -> Allocation? {
    let budget = Int((fraction * Double(total)).rounded(.down)) - fixedCost
    return Allocation(candidates, budget: budget)
  }

  /// The cheapest that the model can become, as a fraction of its cost.
  var leastFraction: Double {
    let least = candidates.reduce(fixedCost) { $0 + $1.candidates[0].cost }
    return total > 0 ? Double(least) / Double(total) : 1
  }

  /// The form that an allocation gives each group, nil to keep it, and why it is kept.
  func forms(_ allocation: Allocation) -> [(form: FactoredForm?, reason: String?)] {
    zip(zip(candidates, allocation.choices), reasons).map { choice, reason in
      let form = choice.0.candidates[choice.1].form
      return (form, form == nil ? reason ?? "the budget is better spent on keeping it" : nil)
    }
  }

  /// The whole cost of an allocation.
  func cost(_ allocation: Allocation) -> Int { fixedCost + allocation.cost }
}

extension Budget {
  /// What a form of a layer, or of layers that share a weight, costs.
  func cost(_ form: FactoredForm, _ cost: LayerCost) -> Int {
    switch self {
    case .multiplies: cost.multiplies(form) ?? cost.weights(form)
    case .weights: cost.weights(form)
    }
  }
}

extension LayerPlanner {
  /// Every form of a kernel with its error, or why there is none; and its spectrum, if asked for.
  fileprivate func candidates(
    _ kernel: Tensor<Float>, _ cost: LayerCost
  ) -> ([RankedForm], String?, LayerSpectrum?) {
    if let reason = obstacle(cost) { return ([], reason, nil) }
    do throws(DecomposeError) {
      var forms: [RankedForm] = []
      var spectrum = options.recordsSpectra ? LayerSpectrum(curves: []) : nil
      for kind in kinds(cost) {
        let analysis = try LayerAnalysis(kernel, groups: cost.groups, kind: kind)
        forms += try analysis.candidates(multiple: options.rankMultiple)
        spectrum?.add(analysis.curves)
      }
      return (forms, nil, spectrum)
    } catch {
      return ([], error.description, nil)
    }
  }
}
