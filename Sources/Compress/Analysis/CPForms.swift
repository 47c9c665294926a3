import Decompose
import Forms
import Tensors

/// CP-3 or CP-4: no spectrum tells its errors, so some ranks are tried and the errors between them interpolated.
///
/// What was found is kept. A try stops early; the factors of the rank that is chosen are iterated on to the end, which
/// only lowers their error.
final class CPForms: FormAnalysis {
  private let kernel: Tensor<Float>
  private let isCP4: Bool
  private var tried: [Int: Double] = [:]
  private var factored: [Int: Decomposition<Float>] = [:]

  /// The parts of the dense weights that the ranks to try take: fewer for large kernels, where a try is dear and each
  /// rank is a small step.
  private var weightFractions: [Double] {
    kernel.count > 300_000 ? [0.06, 0.15, 0.4] : [0.04, 0.08, 0.15, 0.3, 0.5, 0.75, 0.95]
  }
  private static let triedIterations = 10

  init(_ kernel: Tensor<Float>, isCP4: Bool) throws(DecomposeError) {
    let form: FactoredForm = isCP4 ? .cp4(rank: 1) : .cp3(rank: 1)
    guard form.fits(kernel: kernel.shape) else {
      throw .unsuitableKernel(
        form: form.method, kernel: kernel.shape,
        reason: isCP4 ? "it needs two spatial axes" : "it needs a spatial axis")
    }
    self.kernel = kernel
    self.isCP4 = isCP4
  }

  /// Full is a rank that costs what the dense kernel costs, or at which CP is exact.
  var fullRanks: [Int] { [rank(weightFraction: 1)] }

  func form(ranks: [Int]) -> FactoredForm { isCP4 ? .cp4(rank: ranks[0]) : .cp3(rank: ranks[0]) }

  /// The first rank of the grid whose error leaves that energy.
  func ranks(energy: Double) throws(DecomposeError) -> [Int] {
    let limit = max(0, 1 - energy).squareRoot()
    let found = try candidates(multiple: 1).first { $0.relativeError <= limit }
    return found?.form.ranks ?? fullRanks
  }

  /// CP has no unfolding of its own whose noise could be told.
  func variationalRanks(factor: Double) -> [Int] { fullRanks }

  func candidates(multiple: Int) throws(DecomposeError) -> [RankedForm] {
    let full = fullRanks[0]
    let ranks = weightFractions.map {
      roundedRank(rank(weightFraction: $0), multiple: multiple, extent: full)
    }
    var knots: [(rank: Int, error: Double)] = []
    for rank in ranks where rank > knots.last?.rank ?? 0 {
      let error = try triedError(rank)
      // A local optimum can be worse than that of a smaller rank; the smaller one's terms would do as well.
      knots.append((rank, min(error, knots.last?.error ?? error)))
    }
    return zip(knots, knots.dropFirst()).flatMap { interpolated(from: $0, to: $1, multiple: multiple) }
      + knots.suffix(1).map { RankedForm(form: form(ranks: [$0.rank]), relativeError: $0.error) }
  }

  /// The ranks from one that was tried up to the next, that excluded; the logarithm of the error taken as linear.
  private func interpolated(
    from low: (rank: Int, error: Double), to high: (rank: Int, error: Double), multiple: Int
  ) -> [RankedForm] {
    let step = multiple * max(1, (high.rank - low.rank) / multiple / 64)
    return stride(from: low.rank, to: high.rank, by: step).map { rank in
      let part = Double(rank - low.rank) / Double(high.rank - low.rank)
      let error = low.error > 0 ? low.error * power(high.error / low.error, part) : 0
      return RankedForm(form: form(ranks: [rank]), relativeError: error)
    }
  }

  private func triedError(_ rank: Int) throws(DecomposeError) -> Double {
    if let known = tried[rank] { return known }
    let options = CPOptions(iterations: Self.triedIterations)
    let result =
      isCP4 ? try cp4(kernel, rank: rank, options: options) : try cp3(kernel, rank: rank, options: options)
    tried[rank] = result.certificate.relativeError
    return result.certificate.relativeError
  }

  func relativeError(_ form: FactoredForm) throws(DecomposeError) -> Double {
    try decomposition(form).relativeError
  }

  func decomposition(_ form: FactoredForm) throws(DecomposeError) -> Decomposition<Float> {
    let rank = form.ranks[0]
    if let known = factored[rank] { return known }
    let result =
      isCP4 ? try cp4(kernel, rank: rank).decomposition : try cp3(kernel, rank: rank).decomposition
    factored[rank] = result
    return result
  }

  /// The ranks that were tried so far.
  var curves: [LayerSpectrum.Curve] {
    guard !tried.isEmpty else { return [] }
    let ranks = tried.keys.sorted()
    return [
      LayerSpectrum.Curve(
        name: isCP4 ? "cp4" : "cp3", fullRank: fullRanks[0], ranks: ranks,
        remaining: ranks.map { rank in tried[rank].map { $0 * $0 } ?? 1 })
    ]
  }

  private func rank(weightFraction: Double) -> Int {
    let one = form(ranks: [1]).weightCount(kernel: kernel.shape)
    // From the product of all extents but the largest on, CP is exact.
    let modes =
      isCP4
      ? kernel.shape.extents
      : [kernel.shape[0], kernel.shape[1], kernel.count / kernel.shape[0] / kernel.shape[1]]
    let exact = kernel.count / max(1, modes.max() ?? 1)
    return min(exact, max(1, Int(weightFraction * Double(kernel.count) / Double(one))))
  }
}
