import Tensors

// Routines on memory that iterations allocate once; beside `gemm`, for callers that have checked their extents.

/// `y = op(A) x` on a row-major matrix.
///
/// **Shapes** A m x n as stored. **Complexity** m n multiplies. **Source** BLAS `gemv`.
package func gemv<Element: LapackScalar>(
  transposed: Bool = false, m: Int, n: Int, a: UnsafePointer<Element>, lda: Int, x: UnsafePointer<Element>,
  y: UnsafeMutablePointer<Element>
) {
  batchedGemv(count: 1, transposed: transposed, m: m, n: n, a: a, lda: lda, x: x, y: y)
}

/// `y_i = op(A_i) x_i` for `count` row-major matrices one behind the other, and so the vectors.
///
/// **Shapes** each A m x n as stored, n elements between its rows where `lda` is n.
///
/// **Complexity** count m n multiplies. **Source** BLAS `gemv`.
package func batchedGemv<Element: LapackScalar>(
  count: Int, transposed: Bool = false, m: Int, n: Int, a: UnsafePointer<Element>, lda: Int,
  x: UnsafePointer<Element>, y: UnsafeMutablePointer<Element>
) {
  guard m > 0, n > 0 else { return }
  let routine = Element.routines.gemv
  let (sizeX, sizeY) = transposed ? (m, n) : (n, m)
  for i in 0..<count {
    routine(
      transposed, Int32(m), Int32(n), 1, a + i * m * lda, Int32(lda), x + i * sizeX, 1, 0, y + i * sizeY, 1)
  }
}

/// `A = A + alpha x y^T` on a row-major matrix.
///
/// **Shapes** A m x n. **Complexity** m n multiplies. **Source** BLAS `ger`.
package func ger<Element: LapackScalar>(
  m: Int, n: Int, alpha: Element, x: UnsafePointer<Element>, y: UnsafePointer<Element>,
  a: UnsafeMutablePointer<Element>, lda: Int
) {
  guard m > 0, n > 0 else { return }
  Element.routines.ger(Int32(m), Int32(n), alpha, x, y, a, Int32(lda))
}

/// The upper triangle of `A A^T` on row-major matrices; the lower one is left alone.
///
/// **Shapes** A n x k, C n x n. **Complexity** n² k / 2 multiplies. **Source** BLAS `syrk`.
package func syrkUpper<Element: LapackScalar>(
  n: Int, k: Int, a: UnsafePointer<Element>, lda: Int, c: UnsafeMutablePointer<Element>, ldc: Int
) {
  guard n > 0 else { return }
  Element.routines.syrk(false, Int32(n), Int32(k), 1, a, Int32(max(1, lda)), 0, c, Int32(ldc))
}

/// The Cholesky factor of a symmetric matrix in its upper triangle, `A = U^T U`, in place on a row-major matrix; false
/// where a leading minor is not positive definite. The lower triangle is neither read nor written.
///
/// **Complexity** n³ / 6 multiplies. **Source** LAPACK `potrf`.
package func choleskyUpperInPlace<Element: LapackScalar>(
  n: Int, _ a: UnsafeMutablePointer<Element>, lda: Int
) -> Bool {
  let info = Element.routines.potrf(true, Int32(n), a, Int32(lda))
  precondition(info >= 0, "potrf: argument \(-info) is wrong for a matrix of order \(n)")
  return info == 0
}

/// `B = (U^T U)^-1 B` in place on row-major matrices, with the factor of `choleskyUpperInPlace`.
///
/// **Shapes** U m x m, B m x n. **Complexity** m² n multiplies. **Source** BLAS `trsm`.
package func solveCholeskyUpper<Element: LapackScalar>(
  m: Int, n: Int, upper: UnsafePointer<Element>, ldu: Int, b: UnsafeMutablePointer<Element>, ldb: Int
) {
  guard m > 0, n > 0 else { return }
  let routine = Element.routines.trsmLeft
  routine(true, true, Int32(m), Int32(n), 1, upper, Int32(ldu), b, Int32(ldb))
  routine(true, false, Int32(m), Int32(n), 1, upper, Int32(ldu), b, Int32(ldb))
}
