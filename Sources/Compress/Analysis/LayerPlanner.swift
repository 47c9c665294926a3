import Decompose
import TensorCore

/// What is to become of a layer.
enum LayerChoice: Sendable {
  /// The layer stays as it is, and why.
  case keep(reason: String)
  /// The layer is replaced by the stages of these factors.
  case factor(LayerFactors)
}

/// What was decided about a layer, and from what.
struct LayerPlan: Sendable {
  let choice: LayerChoice
  /// What the analysis found; nil where the options do not ask for it or nothing was analysed.
  let spectrum: LayerSpectrum?
}

/// Decides about one layer on its own: which form, which ranks, and whether it pays.
struct LayerPlanner: Sendable {
  let options: CompressionOptions

  /// A form has to save this part of the cost: passes over memory eat up what less would gain.
  static let leastSaving = 0.05

  static let noRanks = "no ranks do what was asked for"

  /// Factors a kernel as the options say, or says why not.
  ///
  /// `type` is how the factors will be stored; the error counts them as rounded to it.
  func plan(_ kernel: Tensor<Float>, type: ElementType, cost: LayerCost) -> LayerPlan {
    var spectrum = options.recordsSpectra ? LayerSpectrum(curves: []) : nil
    let choice = choice(kernel, type, cost, &spectrum)
    return LayerPlan(choice: choice, spectrum: spectrum?.curves.isEmpty == true ? nil : spectrum)
  }

  private func choice(
    _ kernel: Tensor<Float>, _ type: ElementType, _ cost: LayerCost, _ spectrum: inout LayerSpectrum?
  ) -> LayerChoice {
    if let reason = obstacle(cost) { return .keep(reason: reason) }
    do throws(DecomposeError) {
      guard case .error(let limit) = options.criterion else {
        return try choose(kernel, options.criterion, type, cost, &spectrum)
      }
      // Rounding to half precision can lift an error that only just met the limit over it: then a little stricter.
      for strictness in [1, 0.98, 0.9] {
        let choice = try choose(kernel, .error(limit * strictness), type, cost, &spectrum)
        guard case .factor(let factors) = choice, factors.relativeError > limit else { return choice }
      }
      return .keep(reason: "rounding alone exceeds the error asked for")
    } catch {
      return .keep(reason: error.description)
    }
  }

  /// Why no form can gain anything, whatever the kernel holds.
  func obstacle(_ cost: LayerCost) -> String? {
    if cost.groups > 1 && cost.kernel[1] == 1 { return "it is a depthwise convolution" }
    return options.method.obstacle(for: cost.kernel)
  }

  /// The kinds of form to consider for a kernel.
  func kinds(_ cost: LayerCost) -> [FormKind] {
    options.method.kinds(for: cost.kernel, triesCP: options.budget != nil)
  }

  private func choose(
    _ kernel: Tensor<Float>, _ criterion: RankCriterion, _ type: ElementType, _ cost: LayerCost,
    _ spectrum: inout LayerSpectrum?
  ) throws(DecomposeError) -> LayerChoice {
    // An analysis holds copies of the kernel: only the best so far is kept.
    var best: (analysis: LayerAnalysis, form: FactoredForm, score: Double)?
    for kind in kinds(cost) {
      let analysis = try LayerAnalysis(kernel, groups: cost.groups, kind: kind)
      let found = try analysis.best(criterion, multiple: options.rankMultiple, cost: cost)
      if let found, found.score < best?.score ?? .infinity { best = (analysis, found.form, found.score) }
      spectrum?.add(analysis.curves)
    }
    guard let best else { return .keep(reason: Self.noRanks) }
    if let reason = reasonNotToUse(best.form, cost) { return .keep(reason: reason) }
    let factors = try best.analysis.factors(best.form, type: type)
    guard factors.relativeError.isFinite else {
      return .keep(reason: "its factors would overflow \(type.name)")
    }
    return .factor(factors)
  }

  /// Factors a kernel into a given form.
  func factor(_ kernel: Tensor<Float>, _ form: FactoredForm, type: ElementType, cost: LayerCost)
    -> LayerChoice
  {
    do throws(DecomposeError) {
      guard let kind = kinds(cost).first(where: { $0.method == form.method }) else {
        return .keep(reason: "\(form.method) is not among the forms for it")
      }
      let factors = try LayerAnalysis(kernel, groups: cost.groups, kind: kind).factors(form, type: type)
      guard factors.relativeError.isFinite else {
        return .keep(reason: "its factors would overflow \(type.name)")
      }
      return .factor(factors)
    } catch {
      return .keep(reason: error.description)
    }
  }

  /// Why a form would not pay; nil where it would.
  func reasonNotToUse(_ form: FactoredForm, _ cost: LayerCost) -> String? {
    let (dense, factored) = (cost.price(.dense), cost.price(form))
    guard Double(factored) > Double(dense) * (1 - Self.leastSaving) else { return nil }
    return "\(form) would need \(factored) \(cost.unit), the layer as it is \(dense)"
  }
}
