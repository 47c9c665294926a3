import LinearAlgebra
import Tensors

/// Error-preserving correction: the factors of least sensitivity among those within an error.
///
/// One mode after the other is set to the solution of
///
///     minimise  sum over r of  w[r] ||row r||²   where  ||X - reconstruction||² <= limit
///
/// with w[r] what the row adds to the sensitivity. The problem of one mode is a ridge regression whose weight lambda
/// makes the bound tight, found by bisection on the eigenvalues of the scaled normal equations.
///
/// **Accuracy** in Double; the sensitivity never rises and the error never passes the limit, but for rounding.
///
/// **Complexity** a sweep: 2 T S taps R multiplies and an eigendecomposition of R rows for each mode.
///
/// **Source** Phan et al. arXiv 2008.05441, section 4 (sensitivity minimisation with a bounded error).
struct CPCorrection {
  private let sweeps: CPSweeps<Double>
  /// The largest residual energy allowed.
  private let limit: Double

  private static var maximumSweeps: Int { 20 }

  init(_ tensor: Tensor<Double>, spatial: [Int], model: CPModel<Double>, limit: Double) {
    var balanced = model
    balanced.balance()
    sweeps = CPSweeps(tensor, spatial: spatial, model: balanced)
    self.limit = limit
  }

  /// Sweeps until no component's norm is above `cap` or the sensitivity stands still.
  ///
  /// **Throws** where an eigenproblem did not converge.
  func run(cap: Double) throws(LinearAlgebraError) -> CPModel<Double> {
    var best = sweeps.model()
    for _ in 0..<Self.maximumSweeps {
      try sweep()
      var next = sweeps.model()
      next.balance()
      let (former, sensitivity) = (best.sensitivity, next.sensitivity)
      guard sensitivity.isFinite, sensitivity < former else { break }
      best = next
      sweeps.load(next)
      if (next.componentNorms.max() ?? 0) <= cap || sensitivity > 0.999 * former { break }
    }
    return best
  }

  private func sweep() throws(LinearAlgebraError) {
    sweeps.firstMoments()
    try correct(0)
    sweeps.project()
    sweeps.secondMoments()
    try correct(1)
    sweeps.contractSecond()
    for mode in 2..<sweeps.extents.count {
      sweeps.spatialMoments(mode)
      try correct(mode)
    }
    sweeps.updateTaps()
  }

  /// Solves one mode's problem for the moments in `moments`; leaves the mode as it is where the limit is out of reach.
  private func correct(_ mode: Int) throws(LinearAlgebraError) {
    let (rank, extent) = (sweeps.rank, sweeps.extents[mode])
    let roots = weights(mode).map { $0.squareRoot() }
    guard roots.allSatisfy({ $0 > 0 && $0.isFinite }) else { return }
    sweeps.formNormal(mode)
    var normal = Tensor<Double>(shape: [rank, rank])
    normal.withMutableSpan { span in
      for q in 0..<rank {
        for r in q..<rank { span[q * rank + r] = sweeps.normal[q * rank + r] / (roots[q] * roots[r]) }
      }
    }
    let eigen = try normal.symmetricEigendecomposition()
    var moments = Tensor(
      shape: [rank, extent], elements: UnsafeBufferPointer(start: sweeps.moments, count: rank * extent))
    scaleRows(&moments, by: roots.map { 1 / $0 })
    var rotated = matrixProduct(eigen.vectors, moments, transposeA: true)
    let energies = rotated.rowNorms.map { $0 * $0 }
    let values = eigen.values.map { max($0, 1e-15 * eigen.values[0]) }
    guard let ridge = ridge(values: values, energies: energies) else { return }
    scaleRows(&rotated, by: values.map { 1 / ($0 + ridge) })
    var solution = matrixProduct(eigen.vectors, rotated)
    scaleRows(&solution, by: roots.map { 1 / $0 })
    copy(solution, to: sweeps.rows[mode])
    sweeps.updateGram(mode)
  }

  /// What each row's squared norm adds to the sensitivity.
  private func weights(_ mode: Int) -> [Double] {
    let rank = sweeps.rank
    let others = sweeps.extents.indices.filter { $0 != mode }
    return (0..<rank).map { r in
      others.reduce(0) { sum, other in
        let rest = others.filter { $0 != other }
        return sum
          + rest.reduce(Double(sweeps.extents[other])) { $0 * sweeps.grams[$1][r * rank + r] }
      }
    }
  }

  /// The largest ridge whose residual, `||X||² - sum of energy (value + 2 ridge) / (value + ridge)²`, is within the
  /// limit; nil where even none is not.
  private func ridge(values: [Double], energies: [Double]) -> Double? {
    func residual(_ ridge: Double) -> Double {
      zip(values, energies).reduce(sweeps.energy) { sum, pair in
        let shifted = pair.0 + ridge
        return sum - pair.1 * (pair.0 + 2 * ridge) / (shifted * shifted)
      }
    }
    guard residual(0) <= limit else { return nil }
    var (low, high) = (0.0, values[0])
    while residual(high) <= limit && high < 1e12 * values[0] { high *= 4 }
    for _ in 0..<100 where high - low > 1e-6 * high {
      let middle = low > 0 ? (low * high).squareRoot() : high * 1e-3
      if residual(middle) <= limit {
        low = middle
      } else {
        high = middle
        if high < 1e-18 * values[0] { break }
      }
    }
    return low
  }
}
