import Decompose
public import ONNX
import TensorCore

extension ONNXModel {
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
    let order = work.groups.indices.sorted {
      work.groups[$0].cost.kernel.count > work.groups[$1].cost.kernel.count
    }
    let findings = inParallel(order, threads: options.threads) { done, index in
      let layer = work.layers[work.groups[index].members[0]].name
      progress(Progress(done: done, total: order.count, layer: layer))
    } _: { index in
      let group = work.groups[index]
      do throws(ONNXError) {
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
    guard cost.groups == 1 else {
      return LayerPreview(
        energyRanks: [], forms: [], reason: "it is a grouped convolution (\(cost.groups) groups)")
    }
    do throws(DecomposeError) {
      let analyses = try options.method.analyses(of: kernel)
      let forms = analyses.compactMap { analysis in
        analysis.form(options.criterion, multiple: options.rankMultiple, price: cost.price).map {
          (analysis, $0)
        }
      }.sorted { cost.price($0.1) < cost.price($1.1) }
      return LayerPreview(
        energyRanks: [0.8, 0.9, 0.95, 0.99].map {
          InspectionReport.EnergyRanks(energy: $0, ranks: analyses[0].ranks(energy: $0))
        },
        forms: forms.map { analysis, form in
          InspectionReport.Form(
            method: form.method, ranks: form.ranks, relativeError: analysis.relativeError(form),
            params: cost.weights(form), macs: cost.multiplies(form))
        },
        reason: forms.first.map { reasonNotToUse($0.1, cost) } ?? "no ranks reach the error asked for")
    } catch {
      return LayerPreview(energyRanks: [], forms: [], reason: error.description)
    }
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
