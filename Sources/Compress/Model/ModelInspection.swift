import Decompose
import Forms
public import ModelGraph
import Tensors

extension ModelGraph {
  /// Looks at every layer of the model: its cost, its spectrum, and what each form would save within the error of
  /// `options.criterion` (or by its energy or ratio).
  ///
  /// What is shown as the layer's form, or as the reason why it stays, is what `compress` makes of it: both choose by the
  /// same code. A budget is not looked at.
  ///
  /// **Throws** `CompressError` for options that do not fit the model.
  ///
  /// **Complexity** that of `compress`: one eigenproblem a mode of each kernel, and the form that is chosen is factored, as
  /// only its factors tell whether they stay within the error and the element type.
  public func inspect(
    _ options: CompressionOptions, progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) -> InspectionReport {
    let work = try LayerWork(self, options)
    let planner = LayerPlanner(options: options)
    let order = work.largestFirst
    let findings = work.eachInParallel(of: order, threads: options.threads, .trying, progress) { index in
      let group = work.groups[index]
      do throws(ModelError) {
        return planner.preview(try layerKernel(of: work.layers[group.members[0]]), cost: group.cost)
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
  /// What `plan` chooses, what else there was to choose from, and the ranks for common parts of the energy.
  func preview(_ kernel: LayerKernel, cost: MeasuredLayer) -> LayerPreview {
    var energyRanks: [InspectionReport.EnergyRanks]?
    var found = FormsFound()
    let choice = choice(kernel, cost) { analysis, best in
      if energyRanks == nil { energyRanks = Self.energyRanks(analysis) }
      found.note(analysis, best)
    }
    let forms = found.bestOfEachFamily.map { ranked in
      InspectionReport.Form(
        method: ranked.form.kind.name, ranks: ranked.form.ranks, relativeError: ranked.relativeError,
        params: cost.weights(ranked.form), macs: cost.multiplies(ranked.form))
    }
    let reason: String? = if case .keep(let reason) = choice { reason } else { nil }
    return LayerPreview(energyRanks: energyRanks ?? [], forms: forms, reason: reason)
  }

  /// The ranks for common parts of the energy; none where a search for them fails.
  private static func energyRanks(_ analysis: LayerAnalysis) -> [InspectionReport.EnergyRanks] {
    do throws(DecomposeError) {
      var result: [InspectionReport.EnergyRanks] = []
      for energy in [0.8, 0.9, 0.95, 0.99] {
        result.append(InspectionReport.EnergyRanks(energy: energy, ranks: try analysis.ranks(energy: energy)))
      }
      return result
    } catch {
      return []
    }
  }
}

/// The best form of each kind that a choice was made from, with its error.
private struct FormsFound {
  private var forms: [(kind: FormKind, ranked: RankedForm, score: Double)] = []

  /// Takes the best of one kind down, in place of what an earlier round found for it.
  mutating func note(_ analysis: LayerAnalysis, _ best: ScoredForm?) {
    forms.removeAll { $0.kind == analysis.kind }
    // A form that cannot be factored is none to show; where it is the one chosen, the choice says why.
    guard let best, let error = try? analysis.relativeError(best.form) else { return }
    forms.append((analysis.kind, RankedForm(form: best.form, relativeError: error), best.score))
  }

  /// The better of two orientations, and first the one that is chosen: of equals that which was looked at first.
  var bestOfEachFamily: [RankedForm] {
    var families = Set<String>()
    let ordered = forms.enumerated().sorted { ($0.element.score, $0.offset) < ($1.element.score, $1.offset) }
    return ordered.map(\.element).filter { families.insert($0.kind.family).inserted }.map(\.ranked)
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
