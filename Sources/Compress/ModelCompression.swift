import LinearAlgebra
public import ONNX
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

extension ONNXModel {
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
    let work = try LayerWork(self, options)
    let choices = factor(work, options, progress)
    var replacements: [LayerReplacement] = []
    for (place, choice) in choices.sorted(by: { $0.key < $1.key }) {
      guard case .factor(let decomposition) = choice else { continue }
      replacements.append(
        LayerReplacement(
          layer: work.layers[place], form: decomposition.kernel.form,
          weights: decomposition.kernel.stageWeights))
    }
    let report = CompressionReport(work, choices, bytesBefore: byteCount)
    replace(replacements)
    if !replacements.isEmpty { recordMetadata(options, report) }
    return report
  }

  /// The choice for each layer that may be factored, by its place.
  private func factor(
    _ work: LayerWork, _ options: CompressionOptions, _ progress: @Sendable (Progress) -> Void
  ) -> [Int: LayerChoice] {
    let planner = LayerPlanner(options: options)
    let order = work.groups.indices.sorted {
      work.groups[$0].cost.kernel.count > work.groups[$1].cost.kernel.count
    }
    let results = inParallel(order, threads: options.threads) { done, index in
      let layer = work.layers[work.groups[index].members[0]].name
      progress(Progress(done: done, total: order.count, layer: layer))
    } _: { index in
      let group = work.groups[index]
      let layer = work.layers[group.members[0]]
      do throws(ONNXError) {
        let kernel = try kernel(of: layer)
        return planner.plan(kernel, type: layer.elementType ?? .float32, cost: group.cost)
      } catch {
        return LayerChoice.keep(reason: error.description)
      }
    }
    var choices: [Int: LayerChoice] = [:]
    for (index, choice) in zip(order, results) {
      for member in work.groups[index].members { choices[member] = choice }
    }
    return choices
  }

  /// Says in the model itself what became of it.
  private mutating func recordMetadata(_ options: CompressionOptions, _ report: CompressionReport) {
    setMetadata("lowrank.method", options.method.rawValue)
    setMetadata("lowrank.criterion", options.criterion.description)
    let factored = report.layers.filter { $0.reason == nil }
    let layers = factored.map { layer in
      "\(layer.name)=\(layer.method):\(layer.ranks.map(String.init).joined(separator: ","))"
    }
    setMetadata("lowrank.layers", layers.joined(separator: ";"))
    let (before, after) = (report.model.paramsBefore, report.model.paramsAfter)
    setMetadata("lowrank.weights", "\(before) -> \(after)")
  }
}
