import LinearAlgebra
import Tensors

/// Factors of a form with a mapped first stage while they are worked on, and their error.
///
///     W = U' C' (P x I),   U the output directions as rows, the identity where the form does not cut the outputs
struct FeatureFit: Sendable {
  /// P, [R, A].
  var maps: Tensor<Double>
  /// C, [R O, outputs kept].
  var core: Tensor<Double>
  /// U, [outputs kept, T]; nil for the identity.
  var directions: Tensor<Double>?
  /// J.
  var error: Double

  /// The best core, and the best directions where there is an output rank, for maps: reduced-rank regression on their
  /// features.
  init(_ norm: FeatureNorm, maps: Tensor<Double>, outputRank: Int?) throws(LinearAlgebraError) {
    let regression = try norm.regression(maps)
    self.maps = maps
    var kept = regression.whitened
    if let outputRank {
      let explained = matrixProduct(kept, kept, transposeA: true)
      let leading = try explained.symmetricEigendecomposition(leading: outputRank).vectors
      kept = matrixProduct(kept, leading)
      directions = leading.permuted([1, 0])
    }
    error = norm.energy - kept.innerProduct(kept)
    core = regression.factor.solveTriangle(kept, transposed: true)
  }
}

/// Alternating least squares in the data's norm: the maps by conjugate gradients, core and directions in closed form.
///
/// With the core fixed J is quadratic in P, with the operator  P -> C (M (P' C))  that takes one GEMM with M, preconditioned
/// by `(C (Co x I) C') x Ca`. Neither step raises J; one that does by rounding is not taken, and ends the sweeps.
///
/// **Complexity** of a sweep a few times n² K multiplies, K the outputs kept, and R n² for the features.
///
/// **Source** Kalle et al. arXiv 2511.04494 (alternating least squares in the data's norm); Hestenes and Stiefel 1952.
struct FeatureSweeps {
  let norm: FeatureNorm
  let outputRank: Int?
  private(set) var fit: FeatureFit
  /// J before the first sweep and after each.
  private(set) var errors: [Double]
  private(set) var converged = false
  /// M for steps, of which only the error that they lead to is known in Double.
  private let rounded: Tensor<Float>

  init(_ norm: FeatureNorm, start: FeatureFit, outputRank: Int?) {
    (self.norm, self.outputRank, fit) = (norm, outputRank, start)
    errors = [start.error]
    rounded = norm.matrix.converted()
  }

  /// Sweeps until one gains less than a thousandth of J, or the budget is spent.
  mutating func run() throws(LinearAlgebraError) {
    let n = Double(norm.matrix.shape[0])
    let budget = SweepBudget(product: n * n * Double(fit.core.shape[1]), modes: 1)
    for _ in 0..<budget.sweeps {
      let maps = try improvedMaps(steps: budget.steps)
      let next = try FeatureFit(norm, maps: maps, outputRank: outputRank)
      converged = !(next.error < fit.error * (1 - 1e-3))
      guard next.error < fit.error else { return }
      fit = next
      errors.append(next.error)
      if converged { return }
    }
  }

  /// The maps after some steps of preconditioned conjugate gradients, orthonormal under Ca.
  private func improvedMaps(steps: Int) throws(LinearAlgebraError) -> Tensor<Double> {
    let (rank, mapped, offsets) = (fit.maps.shape[0], norm.layout.mapped, norm.layout.offsets)
    let kept = fit.core.shape[1]
    let core = fit.core.reshaped([rank, offsets * kept])
    let cross = fit.directions.map { matrixProduct(norm.cross, $0, transposeB: true) } ?? norm.cross
    let wanted = matrixProduct(core, cross.reshaped([mapped, offsets * kept]), transposeB: true)
    func applied(_ maps: Tensor<Double>) -> Tensor<Double> {
      let kernel = matrixProduct(maps, core, transposeA: true).reshaped([mapped * offsets, kept])
      let product = kernel.permuted([1, 0]).times(rounded: rounded).permuted([1, 0])
      return matrixProduct(core, product.reshaped([mapped, offsets * kept]), transposeB: true)
    }
    let coupling = try coreCoupling(core, kept: kept)
    func preconditioned(_ residual: Tensor<Double>) -> Tensor<Double> {
      norm.mappedFactor.solve(coupling.solve(residual).permuted([1, 0])).permuted([1, 0])
    }
    let maps = conjugateGradients(
      from: fit.maps, wanted: wanted, steps: steps, applied: applied, preconditioned: preconditioned)
    return orthonormal(maps)
  }

  /// `C (Co x I) C'`, [R, R], factored.
  private func coreCoupling(
    _ core: Tensor<Double>, kept: Int
  ) throws(LinearAlgebraError) -> CholeskyDecomposition<Double> {
    let rank = core.shape[0]
    let weighted = core.reshaped([rank, norm.layout.offsets, kept])
      .modeProduct(norm.offsetCovariance, mode: 2).reshaped(core.shape)
    return try matrixProduct(core, weighted, transposeB: true).flooredCholesky(1e-9, 1e-6)
  }

  /// The same maps mixed so that they are orthonormal under Ca: no feature then is lost in rounding beside another.
  private func orthonormal(_ maps: Tensor<Double>) -> Tensor<Double> {
    let whitened = matrixProduct(maps, norm.mappedFactor.lower)
    guard let factor = try? matrixProduct(whitened, whitened, transposeB: true).choleskyDecomposition() else {
      return maps
    }
    return factor.solveTriangle(maps)
  }
}
