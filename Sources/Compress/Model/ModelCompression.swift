import LinearAlgebra
public import ModelGraph
import Tensors

/// How far long work has come.
public struct Progress: Sendable {
  /// Layers that are done, or turns of timing all of them.
  public let done: Int
  /// All layers, or all turns.
  public let total: Int
  /// The layer that was done last; empty before the first, and where all of them took a turn.
  public let layer: String
  /// What is done with them.
  public let task: Task

  /// What work does with one layer after the other.
  public enum Task: String, Sendable {
    /// Runs samples, and sums up what the layers are given.
    case looking = "looking at inputs"
    /// Analyses their kernels for each form.
    case trying = "trying forms"
    /// Runs them in each form against the clock.
    case timing = "timing forms"
    /// Fits factors to what the layers are given.
    case fitting = "fitting"
    /// Factors their kernels.
    case factoring = "factoring"
  }

  /// Before the first layer is done.
  static func beginning(_ task: Task, of total: Int) -> Progress {
    Progress(done: 0, total: total, layer: "", task: task)
  }
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
  /// few copies of one kernel. Weights that are kept stay where they are, in the file: 54 kernels of 512 x 512 x 3 x 3,
  /// 510 MB, take 140 MB of memory on two threads.
  public mutating func compress(
    _ options: CompressionOptions, progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) -> CompressionReport {
    guard options.budget == nil else {
      return try compress(ModelCandidates(self, options, progress: progress), progress: progress)
    }
    let work = try LayerWork(self, options)
    let planner = LayerPlanner(options: options)
    let plans = plans(work.largestFirst, work, options, progress) { kernel, group in
      planner.plan(kernel, cost: work.groups[group].cost)
    }
    return rewrite(work, plans, options)
  }

  /// Puts the factors in the layers' places and reports. `plans` is by group.
  mutating func rewrite(
    _ work: LayerWork, _ plans: [Int: LayerPlan], _ options: CompressionOptions
  ) -> CompressionReport {
    var byLayer: [Int: LayerPlan] = [:]
    for (group, plan) in plans {
      for member in work.groups[group].members { byLayer[member] = plan }
    }
    var replacements: [LayerReplacement] = []
    for (place, plan) in byLayer.sorted(by: { $0.key < $1.key }) {
      guard case .factor(let factors) = plan.choice else { continue }
      replacements.append(
        LayerReplacement(
          layer: work.layers[place], form: factors.form, weights: factors.weights,
          biasShift: factors.biasShift, format: factors.format))
    }
    var report = CompressionReport(work, byLayer, bytesBefore: byteCount)
    let kept = Set(main.constants.map(\.name))
    replace(replacements)
    let slow = Dictionary(grouping: work.layers, by: \.weight).mapValues {
      options.slowFormats.of($0.map(\.name))
    }
    let stored = storeConstants(kept, as: options.weights, slow: slow)
    report.note(stored, work)
    if !replacements.isEmpty { recordMetadata(options, report) }
    if !stored.isEmpty { setMetadata("lowrank.storage", options.weights.rawValue) }
    return report
  }

  /// The plan for each of some groups, by its place: `decide` gets the kernel and the group.
  func plans(
    _ groups: [Int], _ work: LayerWork, _ options: CompressionOptions,
    _ progress: @Sendable (Progress) -> Void, _ decide: @Sendable (LayerKernel, Int) -> LayerPlan
  ) -> [Int: LayerPlan] {
    let results = work.eachInParallel(of: groups, threads: options.threads, .factoring, progress) { index in
      do throws(ModelError) {
        return decide(try layerKernel(of: work.layers[work.groups[index].members[0]]), index)
      } catch {
        return LayerPlan(choice: .keep(reason: error.description), spectrum: nil)
      }
    }
    return Dictionary(uniqueKeysWithValues: zip(groups, results))
  }

  /// Says in the model itself what became of it.
  private mutating func recordMetadata(_ options: CompressionOptions, _ report: CompressionReport) {
    setMetadata("lowrank.method", options.method.name)
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
