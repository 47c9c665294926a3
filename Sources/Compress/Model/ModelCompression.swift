import LinearAlgebra
public import ModelGraph
import TensorCore

/// How far long work has come.
public struct Progress: Sendable {
  /// Layers that are done.
  public let done: Int
  /// All layers.
  public let total: Int
  /// The layer that was done last.
  public let layer: String
}

extension ModelGraph {
  /// Factors the layers of the model in place, as `options` say.
  ///
  /// A layer that gains nothing, or cannot be factored, stays as it is, and the report says why. The result depends on
  /// the model and the options alone, not on the number of threads.
  ///
  /// **Throws** `CompressError` for options that do not fit the model.
  ///
  /// **Complexity** the layers are analysed in parallel on `options.threads` threads; at a time, each thread holds a
  /// few copies of one kernel besides the model itself.
  public mutating func compress(
    _ options: CompressionOptions, progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) -> CompressionReport {
    guard options.budget == nil else {
      return try compress(ModelCandidates(self, options, progress: progress), progress: progress)
    }
    let work = try LayerWork(self, options)
    let planner = LayerPlanner(options: options)
    let plans = plans(work, options, progress) { kernel, group, type in
      planner.plan(kernel, type: type, cost: work.groups[group].cost)
    }
    return rewrite(work, plans, options, allocation: nil)
  }

  /// Factors the layers of the model in place within a budget, from an analysis of the same model.
  ///
  /// **Throws** `CompressError` where no choice of forms and ranks is as cheap as the budget.
  public mutating func compress(
    _ candidates: ModelCandidates, progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) -> CompressionReport {
    let (work, options, budget) = (candidates.work, candidates.options, candidates.budget)
    guard let allocation = candidates.allocation(fraction: budget.fraction) else {
      let least = Double(Int((candidates.leastFraction * 1000).rounded(.up))) / 1000
      throw .model(
        .model(
          path: path,
          reason: "\(budget.fraction) of its \(budget.unit) cannot be reached; \(least) is the least possible"
        ))
    }
    let forms = candidates.forms(allocation)
    let planner = LayerPlanner(options: options)
    let plans = plans(work, options, progress) { kernel, group, type in
      let choice =
        forms[group].form.map { planner.factor(kernel, $0, type: type, cost: work.groups[group].cost) }
        ?? .keep(reason: forms[group].reason ?? "kept")
      return LayerPlan(choice: choice, spectrum: candidates.spectra[group])
    }
    let cost = candidates.cost(allocation)
    let result = CompressionReport.Allocation(
      unit: budget.unit, fraction: budget.fraction, achieved: Double(cost) / Double(max(1, candidates.total)),
      squaredError: allocation.squaredError, lowerBound: allocation.lowerBound, gap: allocation.gap)
    return rewrite(work, plans, options, allocation: result)
  }

  /// Puts the factors in the layers' places and reports.
  private mutating func rewrite(
    _ work: LayerWork, _ plans: [Int: LayerPlan], _ options: CompressionOptions,
    allocation: CompressionReport.Allocation?
  ) -> CompressionReport {
    var replacements: [LayerReplacement] = []
    for (place, plan) in plans.sorted(by: { $0.key < $1.key }) {
      guard case .factor(let factors) = plan.choice else { continue }
      replacements.append(
        LayerReplacement(layer: work.layers[place], form: factors.form, weights: factors.weights))
    }
    var report = CompressionReport(work, plans, bytesBefore: byteCount)
    report.allocation = allocation
    replace(replacements)
    if !replacements.isEmpty { recordMetadata(options, report) }
    return report
  }

  /// The plan for each layer that may be factored, by its place: `decide` gets the kernel, the group and the type
  /// that the factors will be stored in.
  private func plans(
    _ work: LayerWork, _ options: CompressionOptions, _ progress: @Sendable (Progress) -> Void,
    _ decide: @Sendable (Tensor<Float>, Int, ElementType) -> LayerPlan
  ) -> [Int: LayerPlan] {
    let order = work.largestFirst
    let results = inParallel(order, threads: options.threads) { done, index in
      progress(Progress(done: done, total: order.count, layer: work.name(ofGroup: index)))
    } _: { index in
      let layer = work.layers[work.groups[index].members[0]]
      do throws(ModelError) {
        return decide(try kernel(of: layer), index, layer.elementType ?? .float32)
      } catch {
        return LayerPlan(choice: .keep(reason: error.description), spectrum: nil)
      }
    }
    var plans: [Int: LayerPlan] = [:]
    for (index, plan) in zip(order, results) {
      for member in work.groups[index].members { plans[member] = plan }
    }
    return plans
  }

  /// Says in the model itself what became of it.
  private mutating func recordMetadata(_ options: CompressionOptions, _ report: CompressionReport) {
    setMetadata("lowrank.method", options.method.rawValue)
    setMetadata("lowrank.criterion", options.budget?.description ?? options.criterion.description)
    let factored = report.layers.filter { $0.reason == nil }
    let layers = factored.map { layer in
      "\(layer.name)=\(layer.method):\(layer.ranks.map(String.init).joined(separator: ","))"
    }
    setMetadata("lowrank.layers", layers.joined(separator: ";"))
    let (before, after) = (report.model.paramsBefore, report.model.paramsAfter)
    setMetadata("lowrank.weights", "\(before) -> \(after)")
  }
}
