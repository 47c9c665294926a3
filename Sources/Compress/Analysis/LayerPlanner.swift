import Decompose
import Forms

/// What is to become of a layer.
enum LayerChoice: Sendable {
  /// The layer stays as it is, and why.
  case keep(reason: String)
  /// The layer is replaced by the stages of these factors, which are many values to carry about.
  indirect case factor(LayerFactors)
}

/// What was decided about a layer, and from what.
struct LayerPlan: Sendable {
  let choice: LayerChoice
  /// What the analysis found; nil where the options do not ask for it or nothing was analysed.
  var spectrum: LayerSpectrum?
}

/// Decides about one layer on its own: which form, which ranks, and whether it pays.
struct LayerPlanner: Sendable {
  let options: CompressionOptions

  /// A form has to save this part of the cost: passes over memory eat up what less would gain.
  static let leastSaving = 0.05

  /// Factors a kernel as the options say, or says why not.
  func plan(_ kernel: LayerKernel, cost: MeasuredLayer) -> LayerPlan {
    var spectrum = options.recordsSpectra ? LayerSpectrum(curves: []) : nil
    let choice = choice(kernel, cost) { analysis, _ in spectrum?.add(analysis.curves) }
    return LayerPlan(choice: choice, spectrum: spectrum?.curves.isEmpty == true ? nil : spectrum)
  }

  /// What becomes of a kernel under the criterion: the one place where that is decided, for `compress` and `inspect` alike.
  ///
  /// `look` sees each kind of form in turn, with the best of its kind where there is one; again from the first where
  /// the error of the factors asks for a stricter choice.
  func choice(
    _ kernel: LayerKernel, _ cost: MeasuredLayer, look: (LayerAnalysis, ScoredForm?) -> Void
  ) -> LayerChoice {
    if let reason = obstacle(cost) { return .keep(reason: reason) }
    do throws(DecomposeError) {
      guard case .error(let limit) = options.criterion else {
        return try choose(kernel, options.criterion, cost, look)
      }
      // Rounding to half precision, and of CP's errors between the ranks tried, can lift an error that only just met the
      // limit over it: then a little stricter.
      for strictness in [1, 0.98, 0.9] {
        let choice = try choose(kernel, .error(limit * strictness), cost, look)
        guard case .factor(let factors) = choice, factors.relativeError > limit else { return choice }
      }
      return .keep(reason: "its factors as they are stored exceed the error asked for")
    } catch {
      return .keep(reason: error.description)
    }
  }

  /// Why no form can gain anything, whatever the kernel holds.
  func obstacle(_ cost: MeasuredLayer) -> String? {
    if cost.groups > 1 && cost.kernel[1] == 1 { return "it is a depthwise convolution" }
    return options.method.obstacle(for: cost.kernel)
  }

  /// The kinds of form to consider for a kernel.
  func kinds(_ cost: MeasuredLayer) -> [FormKind] {
    options.method.kinds(for: cost.kernel, searches: options.budget != nil)
  }

  private func choose(
    _ kernel: LayerKernel, _ criterion: RankCriterion, _ cost: MeasuredLayer,
    _ look: (LayerAnalysis, ScoredForm?) -> Void
  ) throws(DecomposeError) -> LayerChoice {
    // An analysis holds copies of the kernel: only the best so far is kept.
    var best: (analysis: LayerAnalysis, found: ScoredForm)?
    for kind in kinds(cost) {
      let analysis = try LayerAnalysis(kernel.values, cost, kind: kind, error: options.error)
      let found = try analysis.best(
        criterion, multiple: options.rankMultiple, cost: LayerPrice(cost, options.cost))
      if let found, found.score < best?.found.score ?? .infinity { best = (analysis, found) }
      look(analysis, found)
    }
    // A form without error is one within rounding; an error of 0 asks for the numbers as they are.
    if criterion == .error(0) { return .keep(reason: "an error of 0 changes nothing") }
    guard let best else { return .keep(reason: "no ranks do what was asked for") }
    if let reason = reasonNotToUse(best.found.form, cost) { return .keep(reason: reason) }
    return try factors(kernel, best.analysis, best.found.form, of: cost.names)
  }

  private func factors(
    _ kernel: LayerKernel, _ analysis: LayerAnalysis, _ form: FactoredForm, of layers: [String]
  ) throws(DecomposeError) -> LayerChoice {
    let choice = FormatChoice(
      options.weights, opset: kernel.opset, slow: options.slowFormats.of(layers), limit: errorLimit)
    let factors = try analysis.factors(
      form, type: kernel.type, choice: choice, foldedScale: kernel.foldedScale)
    guard factors.relativeError.isFinite else {
      return .keep(reason: "its factors would overflow \(kernel.type.name)")
    }
    return .factor(factors)
  }

  /// What the error of a layer's factors may be at most, where the criterion says so.
  private var errorLimit: Double {
    guard options.budget == nil, case .error(let limit) = options.criterion else { return .infinity }
    return limit
  }

  /// Factors a kernel into a given form.
  func factor(_ kernel: LayerKernel, _ form: FactoredForm, cost: MeasuredLayer) -> LayerChoice {
    do throws(DecomposeError) {
      guard let kind = kinds(cost).first(where: { $0 == form.kind }) else {
        return .keep(reason: "\(form.kind) is not among the forms for it")
      }
      let analysis = try LayerAnalysis(kernel.values, cost, kind: kind, error: options.error)
      return try factors(kernel, analysis, form, of: cost.names)
    } catch {
      return .keep(reason: error.description)
    }
  }

  /// Why a form would not pay; nil where it would.
  func reasonNotToUse(_ form: FactoredForm, _ cost: MeasuredLayer) -> String? {
    let price = LayerPrice(cost, options.cost)
    let (dense, factored) = (price(.dense), price(form))
    guard factored > dense * (1 - Self.leastSaving) else { return nil }
    return "\(form) would need \(costText(factored)) \(price.unit), the layer as it is \(costText(dense))"
  }
}
