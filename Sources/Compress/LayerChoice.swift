import Decompose
import TensorCore

/// What is to become of one layer.
enum LayerChoice: Sendable {
  /// The layer stays as it is, and why.
  case keep(reason: String)
  /// The layer is replaced by the stages of these factors.
  case factor(Decomposition<Float>)
}

/// Decides about one layer's kernel: which form, which ranks, and whether it pays.
struct LayerPlanner: Sendable {
  let options: CompressionOptions

  /// A form has to save this part of the cost: three passes over memory eat up what less would gain.
  private static let leastSaving = 0.05

  /// Factors a kernel as the options say, or says why not.
  ///
  /// **Throws** `DecomposeError` where the kernel holds numbers that are not finite or LAPACK fails.
  func plan(_ kernel: Tensor<Float>, cost: LayerCost) throws(DecomposeError) -> LayerChoice {
    guard cost.groups == 1 else {
      return .keep(reason: "grouped convolution (\(cost.groups) groups)")
    }
    let isPointwise = kernel.shape.extents.dropFirst(2).allSatisfy { $0 == 1 }
    switch (options.method, isPointwise) {
    case (.auto, true), (.svd, true): return try planMatrix(kernel, cost)
    case (.auto, false), (.tucker2, false): return try planTucker2(kernel, cost)
    case (.tucker2, true): return .keep(reason: "no spatial extent for a Tucker-2 core; use svd or auto")
    case (.svd, false): return .keep(reason: "spatial extents other than 1; use tucker2 or auto")
    }
  }

  private func planTucker2(_ kernel: Tensor<Float>, _ cost: LayerCost) throws(DecomposeError) -> LayerChoice {
    let analysis = try Tucker2Analysis(kernel)
    let multiple = options.rankMultiple
    let ranks: (output: Int, input: Int)?
    switch options.criterion {
    case .energy(let energy): ranks = analysis.ranks(energy: energy, multiple: multiple)
    case .error(let error):
      ranks = analysis.ranks(error: error, multiple: multiple) {
        cost.price(.tucker2(outputRank: $0, inputRank: $1))
      }
    case .ranksRatio(let ratio):
      ranks = (ratioRank(ratio, of: kernel.shape[0]), ratioRank(ratio, of: kernel.shape[1]))
    }
    guard let ranks else { return .keep(reason: "no ranks reach the error asked for") }
    let form = FactoredForm.tucker2(outputRank: ranks.output, inputRank: ranks.input)
    if let reason = reasonNotToUse(form, cost) { return .keep(reason: reason) }
    return .factor(try analysis.decomposition(outputRank: ranks.output, inputRank: ranks.input))
  }

  private func planMatrix(_ kernel: Tensor<Float>, _ cost: LayerCost) throws(DecomposeError) -> LayerChoice {
    let analysis = try MatrixAnalysis(kernel)
    let limit = min(kernel.shape[0], kernel.shape[1])
    let wanted: Int
    switch options.criterion {
    case .energy(let energy): wanted = rank(retaining: energy, of: analysis.energies)
    case .error(let error): wanted = analysis.rank(error: error)
    case .ranksRatio(let ratio): wanted = ratioRank(ratio, of: limit)
    }
    let form = FactoredForm.svd(rank: roundedRank(wanted, multiple: options.rankMultiple, extent: limit))
    if let reason = reasonNotToUse(form, cost) { return .keep(reason: reason) }
    return .factor(try analysis.decomposition(rank: form.ranks[0]))
  }

  private func ratioRank(_ ratio: Double, of extent: Int) -> Int {
    let wanted = max(1, Int((ratio * Double(extent)).rounded(.up)))
    return roundedRank(wanted, multiple: options.rankMultiple, extent: extent)
  }

  private func reasonNotToUse(_ form: FactoredForm, _ cost: LayerCost) -> String? {
    let (dense, factored) = (cost.price(.dense), cost.price(form))
    guard Double(factored) > Double(dense) * (1 - Self.leastSaving) else { return nil }
    let unit = cost.extents == nil ? "weights" : "multiplies"
    return "\(form) would need \(factored) \(unit), the layer as it is \(dense)"
  }
}
