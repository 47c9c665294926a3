import LinearAlgebra
import Tensors

/// The kernel of least error with a ridge, and what it explains of the responses.
///
///     W* = K + D M^-1,   G = W* M W*',   M = C + ridge
///
/// The best kernel of rank R is `U U' W*` with the R leading eigenvectors U of G, and its error what G leaves out:
///
///     J = J(W*) + the sum of the eigenvalues of G behind the R largest
///
/// **Source** Reinsel and Velu 1998, theorem 2.2, with the identity as the weight of the responses.
struct RidgeFit: Sendable {
  let ridge: Double
  /// W*, [T, n].
  let best: Tensor<Double>
  /// W* M, [T, n].
  let cross: Tensor<Double>
  /// The eigenvalues of G, descending, T of them.
  let energies: [Double]
  /// Its eigenvectors as rows, [T, T].
  let directions: Tensor<Double>
  /// J(W*).
  let floor: Double

  /// Fits with a ridge.
  ///
  /// **Shapes** `kernel` K and `kernelProduct` K C [T, n]; `covariance` C, [n, n]; `misfit` D, [T, n], nil for 0.
  ///
  /// **Throws** where LAPACK does.
  ///
  /// **Complexity** T² n multiplies and an eigenproblem of order T; with a misfit n³ / 6 + T n² more.
  init(
    kernel: Tensor<Double>, kernelProduct: Tensor<Double>, covariance: Tensor<Double>,
    misfit: Tensor<Double>?, misfitEnergy: Double, ridge: Double
  ) throws(LinearAlgebraError) {
    self.ridge = ridge
    let product = kernelProduct.plus(kernel, times: ridge)
    var explained = matrixProduct(product, kernel, transposeB: true)
    var best = kernel
    var gain = 0.0
    if let misfit {
      // D M^-1, through the triangle that also gives D M^-1 D' without a loss.
      let factor = try covariance.plusDiagonal(ridge).choleskyDecomposition()
      let half = factor.solveTriangle(misfit.permuted([1, 0]))
      let change = factor.solveTriangle(half, transposed: true).permuted([1, 0])
      let square = matrixProduct(half, half, transposeA: true)
      let mixed = matrixProduct(misfit, kernel, transposeB: true)
      explained =
        explained
        .plus(mixed, times: 1).plus(mixed.permuted([1, 0]), times: 1).plus(square, times: 1)
      best = kernel.plus(change, times: 1)
      gain = square.trace
    }
    self.best = best
    cross = misfit.map { product.plus($0, times: 1) } ?? product
    floor = max(0, misfitEnergy - gain)
    let eigen = try explained.symmetricEigendecomposition()
    energies = eigen.values.map { max(0, $0) }
    directions = eigen.vectors.permuted([1, 0])
  }

  /// What errors are relative to: what is explained, and what is not.
  var energy: Double { floor + energies.reduce(0, +) }
}
