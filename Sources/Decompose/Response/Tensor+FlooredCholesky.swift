import LinearAlgebra
import Tensors

extension Tensor where Element == Double {
  /// The mean of the diagonal of a square matrix, at least what numbers can be divided by.
  var diagonalMean: Double { Swift.max(trace / Double(shape[0]), .leastNormalMagnitude * 0x1p60) }

  /// The Cholesky factor of a symmetric matrix that is not negative, with the first of some parts of its mean diagonal
  /// added that rounding lets be one: what is left of dependent rows must not become a direction.
  ///
  /// **Throws** where no part is enough.
  func flooredCholesky(_ parts: Double...) throws(LinearAlgebraError) -> CholeskyDecomposition<Double> {
    let unit = diagonalMean
    for part in parts.dropLast() {
      if let factor = try? plusDiagonal(part * unit).choleskyDecomposition() { return factor }
    }
    return try plusDiagonal((parts.last ?? 0) * unit).choleskyDecomposition()
  }
}
