import Forms
import LinearAlgebra
import Tensors

/// CP-3 or CP-4 of one kernel: no spectrum tells its errors, so some ranks are tried and the errors between them
/// interpolated.
///
/// A try stops early, and can end above one of fewer terms. Then the lesser error is foretold, which fewer terms and zeros
/// would have. The factors of the rank that is chosen are searched for at that rank, to the end: they can end above what was
/// foretold, by as much as their local optimum is worse than that of fewer terms. Their own error is what is reported.
///
/// Where there are data the errors are in their norm: tries get an output factor that is fitted to them, factors all modes.
final class CPForms: FormAnalysis {
  let kernel: Tensor<Float>
  private let form: CPFormDecomposition
  private let data: CPResponseSearch?
  /// The errors of the ranks that were tried, in the norm of the data where there are some.
  private var tried: [Int: Double] { data == nil ? searched : triedOnData }
  private var triedOnData: [Int: Double] = [:]
  private(set) var searched: [Int: Double]
  private var factored: [Int: Decomposition<Float>] = [:]

  /// The parts of the dense weights that the ranks to try take: fewer for large kernels, where a try is dear and each
  /// rank is a small step.
  private var weightFractions: [Double] {
    kernel.count > 300_000 ? [0.06, 0.15, 0.4] : [0.04, 0.08, 0.15, 0.3, 0.5, 0.75, 0.95]
  }
  private static let triedIterations = 10

  var kind: FormKind { form.kind }

  /// What errors are relative to.
  var energy: Double { data?.problem.energy ?? kernel.squaredNorm }

  init(
    _ kernel: Tensor<Float>, _ form: CPFormDecomposition, data: CPResponseSearch? = nil,
    searched: [Int: Double] = [:], factors: [Decomposition<Float>] = []
  ) throws(DecomposeError) {
    let kind = form.kind
    guard kind.fits(kernel: kernel.shape) else {
      throw .unsuitableKernel(
        form: kind.name, kernel: kernel.shape, reason: "it needs \(kind.domain.requirement)")
    }
    self.kernel = kernel
    self.form = form
    self.data = data
    self.searched = searched
    for known in factors where known.kernel.form.kind == kind { factored[known.kernel.form.ranks[0]] = known }
  }

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
      // A local optimum can be worse than that of a smaller rank, which is foretold for both.
      knots.append((rank, min(error, knots.last?.error ?? error)))
    }
    return zip(knots, knots.dropFirst()).flatMap { interpolated(from: $0, to: $1, multiple: multiple) }
      + knots.suffix(1).map {
        RankedForm(form: FactoredForm(kind, ranks: [$0.rank]), relativeError: $0.error)
      }
  }

  /// The ranks from one that was tried up to the next, that excluded; the logarithm of the error taken as linear.
  private func interpolated(
    from low: (rank: Int, error: Double), to high: (rank: Int, error: Double), multiple: Int
  ) -> [RankedForm] {
    let step = multiple * max(1, (high.rank - low.rank) / multiple / 64)
    return stride(from: low.rank, to: high.rank, by: step).map { rank in
      let part = Double(rank - low.rank) / Double(high.rank - low.rank)
      let error = low.error > 0 ? low.error * power(high.error / low.error, part) : 0
      return RankedForm(form: FactoredForm(kind, ranks: [rank]), relativeError: error)
    }
  }

  private func triedError(_ rank: Int) throws(DecomposeError) -> Double {
    if let known = tried[rank] { return known }
    let result = try form.factor(kernel, rank: rank, CPOptions(iterations: Self.triedIterations))
    searched[rank] = result.certificate.relativeError
    guard let data else { return result.certificate.relativeError }
    let error = try data.relativeError(result.decomposition)
    triedOnData[rank] = error
    return error
  }

  func relativeError(_ ranked: FactoredForm) throws(DecomposeError) -> Double {
    try decomposition(ranked).fittedError
  }

  func decomposition(_ ranked: FactoredForm) throws(DecomposeError) -> Decomposition<Float> {
    let rank = ranked.ranks[0]
    if let known = factored[rank] { return known }
    let result: Decomposition<Float>
    if let data {
      result = try data.improved(data.problem.start(ranked))
    } else {
      result = try form.factor(kernel, rank: rank).decomposition
    }
    factored[rank] = result
    return result
  }

  func mapped(
    _ decomposition: Decomposition<Float>, _ transform: (Tensor<Float>) -> Tensor<Float>
  ) -> Decomposition<Float> {
    data?.problem.mapped(decomposition, transform) ?? decomposition.mapFactors(of: kernel, transform)
  }

  /// The ranks that were tried so far.
  var curves: [SpectrumCurve] {
    guard !tried.isEmpty else { return [] }
    let ranks = tried.keys.sorted()
    return [
      SpectrumCurve(
        name: kind.ranks[0].spectrum.name, fullRank: fullRanks[0], ranks: ranks,
        remaining: ranks.map { rank in tried[rank].map { $0 * $0 } ?? 1 })
    ]
  }

  private func rank(weightFraction: Double) -> Int {
    let one = FactoredForm(kind, ranks: [1]).weightCount(kernel: kernel.shape)
    // From there on CP is exact, or the dense kernel as cheap.
    return min(fullRanks[0], max(1, Int(weightFraction * Double(kernel.count) / Double(one))))
  }
}
