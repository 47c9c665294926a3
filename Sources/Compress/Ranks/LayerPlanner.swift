import Decompose
import TensorCore

/// What is to become of a layer.
enum LayerChoice: Sendable {
  /// The layer stays as it is, and why.
  case keep(reason: String)
  /// The layer is replaced by the stages of these factors.
  case factor(Decomposition<Float>)
}

/// Decides about one kernel: which form, which ranks, and whether it pays.
struct LayerPlanner: Sendable {
  let options: CompressionOptions

  /// A form has to save this part of the cost: passes over memory eat up what less would gain.
  private static let leastSaving = 0.05

  /// Factors a kernel as the options say, or says why not.
  ///
  /// `type` is how the factors will be stored; the error counts them as rounded to it.
  func plan(_ kernel: Tensor<Float>, type: ElementType, cost: LayerCost) -> LayerChoice {
    guard cost.groups == 1 else {
      return .keep(reason: "it is a grouped convolution (\(cost.groups) groups)")
    }
    do throws(DecomposeError) {
      let analyses = try options.method.analyses(of: kernel)
      guard case .error(let limit) = options.criterion else {
        return try choose(analyses, options.criterion, kernel, type, cost)
      }
      // Rounding to half precision can lift an error that only just met the limit over it: then a little stricter.
      for strictness in [1, 0.98, 0.9] {
        let choice = try choose(analyses, .error(limit * strictness), kernel, type, cost)
        guard case .factor(let decomposition) = choice, decomposition.relativeError > limit else {
          return choice
        }
      }
      return .keep(reason: "rounding alone exceeds the error asked for")
    } catch {
      return .keep(reason: error.description)
    }
  }

  private func choose(
    _ analyses: [any FormAnalysis], _ criterion: RankCriterion, _ kernel: Tensor<Float>, _ type: ElementType,
    _ cost: LayerCost
  ) throws(DecomposeError) -> LayerChoice {
    guard let (analysis, form) = cheapest(analyses, criterion, cost) else {
      return .keep(reason: "no ranks reach the error asked for")
    }
    if let reason = reasonNotToUse(form, cost) { return .keep(reason: reason) }
    let exact = try analysis.decomposition(form)
    let stored = type == .float32 ? exact : exact.mapFactors(of: kernel) { $0.rounded(to: type) }
    guard stored.relativeError.isFinite else {
      return .keep(reason: "its factors would overflow \(type.name)")
    }
    return .factor(stored)
  }

  /// The form that meets the criterion at the lowest price, and the analysis that it is of.
  private func cheapest(
    _ analyses: [any FormAnalysis], _ criterion: RankCriterion, _ cost: LayerCost
  ) -> (any FormAnalysis, FactoredForm)? {
    let candidates = analyses.compactMap { analysis in
      analysis.form(criterion, multiple: options.rankMultiple, price: cost.price).map { (analysis, $0) }
    }
    return candidates.min { cost.price($0.1) < cost.price($1.1) }
  }

  func reasonNotToUse(_ form: FactoredForm, _ cost: LayerCost) -> String? {
    let (dense, factored) = (cost.price(.dense), cost.price(form))
    guard Double(factored) > Double(dense) * (1 - Self.leastSaving) else { return nil }
    return "\(form) would need \(factored) \(cost.unit), the layer as it is \(dense)"
  }
}

extension Tensor where Element == Float {
  /// The numbers as they are after being stored in a type.
  fileprivate func rounded(to type: ElementType) -> Tensor {
    var result = self
    result.withMutableSpan { values in
      for i in values.indices { values[i] = type.rounded(values[i]) }
    }
    return result
  }
}
