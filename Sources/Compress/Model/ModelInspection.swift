import Decompose
public import ModelGraph
import TensorCore

extension ModelGraph {
  /// Looks at every layer of the model: its cost, its spectrum, and what each form would save within the error of
  /// `options.criterion` (or by its energy or ratio).
  ///
  /// **Throws** `CompressError` for options that do not fit the model.
  ///
  /// **Complexity** one eigenproblem a mode of each kernel; nothing is factored.
  public func inspect(
    _ options: CompressionOptions, progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) -> InspectionReport {
    let work = try LayerWork(self, options)
    let planner = LayerPlanner(options: options)
    let order = work.largestFirst
    let findings = inParallel(order, threads: options.threads) { done, index in
      progress(Progress(done: done, total: order.count, layer: work.name(ofGroup: index)))
    } _: { index in
      let group = work.groups[index]
      do throws(ModelError) {
        return planner.preview(try kernel(of: work.layers[group.members[0]]), cost: group.cost)
      } catch {
        return LayerPreview(energyRanks: [], forms: [], reason: error.description)
      }
    }
    var previews: [Int: LayerPreview] = [:]
    for (index, preview) in zip(order, findings) {
      for member in work.groups[index].members { previews[member] = preview }
    }
    // The totals are those of a compression that keeps every layer.
    let totals = CompressionReport(work, [:], bytesBefore: byteCount).model
    return InspectionReport(
      model: InspectionReport.Model(
        params: totals.paramsBefore, macs: totals.macsBefore, bytes: byteCount, opset: opsetVersion,
        inputs: inputs.map { InspectionReport.Input(name: $0.name, shape: $0.extents) }),
      layers: work.layers.indices.map { InspectionReport.Layer(work, at: $0, previews[$0]) })
  }
}

/// What inspecting a kernel shows.
struct LayerPreview: Sendable {
  let energyRanks: [InspectionReport.EnergyRanks]
  let forms: [InspectionReport.Form]
  let reason: String?
}

extension LayerPlanner {
  /// What `plan` would choose, without factoring, and the ranks for common parts of the energy.
  func preview(_ kernel: Tensor<Float>, cost: LayerCost) -> LayerPreview {
    if let reason = obstacle(cost) { return LayerPreview(energyRanks: [], forms: [], reason: reason) }
    do throws(DecomposeError) {
      var energyRanks: [InspectionReport.EnergyRanks] = []
      var candidates: [RankedForm] = []
      for (place, kind) in kinds(cost).enumerated() {
        let analysis = try LayerAnalysis(kernel, groups: cost.groups, kind: kind)
        if place == 0 { energyRanks = try Self.energyRanks(analysis) }
        if let best = try cheapest(analysis, cost) { candidates.append(best) }
      }
      let best = cheapestOfEachMethod(candidates, cost)
      let forms = best.map { ranked in
        InspectionReport.Form(
          method: ranked.form.method, ranks: ranked.form.ranks, relativeError: ranked.relativeError,
          params: cost.weights(ranked.form), macs: cost.multiplies(ranked.form))
      }
      return LayerPreview(
        energyRanks: energyRanks, forms: forms,
        reason: best.first.map { reasonNotToUse($0.form, cost) } ?? Self.noRanks)
    } catch {
      return LayerPreview(energyRanks: [], forms: [], reason: error.description)
    }
  }
}

extension LayerPlanner {
  private static func energyRanks(
    _ analysis: LayerAnalysis
  ) throws(DecomposeError) -> [InspectionReport.EnergyRanks] {
    var result: [InspectionReport.EnergyRanks] = []
    for energy in [0.8, 0.9, 0.95, 0.99] {
      result.append(InspectionReport.EnergyRanks(energy: energy, ranks: try analysis.ranks(energy: energy)))
    }
    return result
  }

  /// The form that meets the criterion, with its error.
  private func cheapest(
    _ analysis: LayerAnalysis, _ cost: LayerCost
  ) throws(DecomposeError) -> RankedForm? {
    let best = try analysis.best(options.criterion, multiple: options.rankMultiple, cost: cost)
    guard let best else { return nil }
    return try analysis.candidates(multiple: options.rankMultiple).first { $0.form == best.form }
  }

  /// The cheaper of two orientations, cheapest method first.
  private func cheapestOfEachMethod(_ candidates: [RankedForm], _ cost: LayerCost) -> [RankedForm] {
    let byKind = Dictionary(grouping: candidates) { $0.form.method.prefix { $0 != "-" } }
    return byKind.values.compactMap { $0.min { cost.price($0.form) < cost.price($1.form) } }
      .sorted { (cost.price($0.form), $0.form.method) < (cost.price($1.form), $1.form.method) }
  }
}

extension InspectionReport.Layer {
  fileprivate init(_ work: LayerWork, at place: Int, _ preview: LayerPreview?) {
    let (layer, cost) = (work.layers[place], work.costs[place])
    name = layer.name
    op = layer.op.rawValue
    kernelShape = layer.kernelShape?.extents ?? []
    group = layer.groups
    params = cost?.weights(.dense) ?? 0
    macs = cost?.multiplies(.dense)
    energyRanks = preview?.energyRanks ?? []
    forms = preview?.forms ?? []
    reason = preview.map(\.reason) ?? work.obstacles[place]
  }
}
