import Decompose
import Forms
import Tensors

/// A layer's kernel, group by group, in one kind of form.
struct LayerAnalysis {
  /// The kind of form.
  let kind: FormKind
  /// What the errors of each group are relative to.
  private let energies: [Double]
  private let analyses: [any FormAnalysis]

  /// Analyses a kernel `[T, S / groups, D...]`.
  ///
  /// **Throws** `DecomposeError` where the form does not suit the kernel or its numbers are not finite.
  init(
    _ kernel: Tensor<Float>, _ layer: MeasuredLayer, kind: FormKind, error: any ErrorMeasure
  ) throws(DecomposeError) {
    self.kind = kind
    var analyses: [any FormAnalysis] = []
    for (group, part) in kernel.parts(layer.groups).enumerated() {
      analyses.append(try error.analysis(of: part, group: group, layer: layer, kind: kind))
    }
    self.analyses = analyses
    energies = analyses.map(\.energy)
  }

  /// The form over the useful range of its ranks.
  func candidates(multiple: Int) throws(DecomposeError) -> [RankedForm] {
    var lists: [[RankedForm]] = []
    for analysis in analyses { lists.append(try analysis.candidates(multiple: multiple)) }
    return lists[0].indices.map { place in
      let error = pooledError(lists.map { $0[place].relativeError }, energies)
      return RankedForm(form: lists[0][place].form, relativeError: error)
    }
  }

  /// The ranks that retain a part of the energy in every group.
  func ranks(energy: Double) throws(DecomposeError) -> [Int] {
    try largest { analysis throws(DecomposeError) in try analysis.ranks(energy: energy) }
  }

  private func largest(
    _ ranks: (any FormAnalysis) throws(DecomposeError) -> [Int]
  ) throws(DecomposeError) -> [Int] {
    var largest = analyses[0].fullRanks.map { _ in 1 }
    for analysis in analyses { largest = zip(largest, try ranks(analysis)).map { max($0, $1) } }
    return largest
  }

  /// The form with the ranks that a criterion asks for; nil where none will do.
  func best(
    _ criterion: RankCriterion, multiple: Int, cost: LayerPrice
  ) throws(DecomposeError) -> ScoredForm? {
    let full = analyses[0].fullRanks
    let wanted: [Int]
    switch criterion {
    case .error(let limit):
      let forms = try candidates(multiple: multiple).filter { $0.relativeError <= limit }.map(\.form)
      return forms.min { cost($0) < cost($1) }.map { ScoredForm(form: $0, score: cost($0)) }
    case .macsRatio(let ratio): return try nearest(multiple, within: ratio, of: cost)
    case .paramsRatio(let ratio):
      return try nearest(multiple, within: ratio, of: LayerPrice(cost.layer, WeightCount()))
    case .energy(let energy): wanted = try ranks(energy: energy)
    case .ranksRatio(let ratio): wanted = full.map { max(1, Int((ratio * Double($0)).rounded(.up))) }
    case .evbmf(let factor):
      wanted = try largest { analysis throws(DecomposeError) in try analysis.variationalRanks(factor: factor)
      }
    }
    let form = FactoredForm(
      kind, ranks: zip(wanted, full).map { roundedRank($0, multiple: multiple, extent: $1) })
    return ScoredForm(form: form, score: cost(form))
  }

  /// The form of the least error whose cost is within a part of the dense layer's.
  private func nearest(
    _ multiple: Int, within ratio: Double, of cost: LayerPrice
  ) throws(DecomposeError) -> ScoredForm? {
    let limit = ratio * cost(.dense)
    let affordable = try candidates(multiple: multiple).filter { cost($0.form) <= limit }
    return affordable.min { $0.relativeError < $1.relativeError }
      .map { ScoredForm(form: $0.form, score: $0.relativeError) }
  }

  /// What is lost at each rank, over all groups.
  var curves: [SpectrumCurve] {
    let lists = analyses.map(\.curves)
    return lists[0].indices.map { place in
      SpectrumCurve(pooling: lists.map { $0[place] }, energies: energies)
    }
  }

  /// The relative error that a form of this kind is expected to have, from the analysis alone: no less than that of its
  /// factors, rounding apart.
  ///
  /// **Throws** `DecomposeError` where the form has to be factored for that and cannot be.
  func relativeError(_ form: FactoredForm) throws(DecomposeError) -> Double {
    var errors: [Double] = []
    for analysis in analyses { errors.append(try analysis.relativeError(form)) }
    return pooledError(errors, energies)
  }

  /// The factors of a form that this analysis gave, as they will be stored: in the first format of `choice` that does,
  /// or in the model's own `type`; `foldedScale` is what a BatchNormalization multiplied the kernel's output channels with.
  ///
  /// **Throws** `DecomposeError` where a decomposition fails.
  func factors(
    _ form: FactoredForm, type: ElementType, choice: FormatChoice, foldedScale: [Double]?
  ) throws(DecomposeError) -> LayerFactors {
    var exact: [Decomposition<Float>] = []
    for analysis in analyses { exact.append(try analysis.decomposition(form)) }
    let exactError = pooledError(exact.map(\.relativeError), energies)
    var (format, stored) = (WeightFormat.original, exact)
    // Numbers that are in half precision already stay in the model's own type.
    for candidate in type == .float32 ? choice.formats : [.original] {
      (format, stored) = (candidate, rounded(exact, to: candidate, type: type))
      let error = pooledError(stored.map(\.relativeError), energies)
      if choice.accepts(candidate, error: error, exact: exactError) { break }
    }
    var unfolded = foldedScale.map(UnfoldedError.init)
    for (group, part) in stored.enumerated() {
      let kernel = analyses[group].kernel
      unfolded?.add(kernel, part.kernel.reconstructed(), from: group * kernel.shape[0])
    }
    return LayerFactors(
      groups: stored, energies: energies, unfoldedError: unfolded?.value, format: format)
  }

  /// The factors of each group as they are after being stored.
  private func rounded(
    _ exact: [Decomposition<Float>], to format: WeightFormat, type: ElementType
  ) -> [Decomposition<Float>] {
    zip(analyses, exact).map { analysis, exact in
      guard format == .original else {
        // The parts come in their order.
        var parts = exact.kernel.rounded(to: format).parts[...]
        return analysis.mapped(exact) { parts.popFirst() ?? $0 }
      }
      return type == .float32 ? exact : analysis.mapped(exact) { $0.rounded(to: type) }
    }
  }
}

/// A form with the ranks that a criterion asks for.
struct ScoredForm {
  let form: FactoredForm
  /// What it is compared by with forms of other kinds under the same criterion: the lower the better.
  let score: Double
}
