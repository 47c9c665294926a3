import TensorCore

// Routines on memory that iterations allocate once; beside `gemm`, for callers that have checked their extents.

/// `y = alpha op(A) x + beta y` on a row-major matrix.
///
/// **Shapes** A m x n as stored. **Complexity** m n multiplies. **Source** BLAS `gemv`.
package func gemv<Element: LapackScalar>(
  transposed: Bool = false, m: Int, n: Int, alpha: Element = 1, a: UnsafePointer<Element>, lda: Int,
  x: UnsafePointer<Element>, strideX: Int = 1, beta: Element = 0, y: UnsafeMutablePointer<Element>,
  strideY: Int = 1
) {
  guard m > 0, n > 0 else { return }
  Element.routines.gemv(
    transposed, Int32(m), Int32(n), alpha, a, Int32(lda), x, Int32(strideX), beta, y, Int32(strideY))
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

/// The Cholesky factor in the lower triangle of a row-major matrix, in place; false where a leading minor is not
/// positive definite.
///
/// **Complexity** n³ / 6 multiplies. **Source** LAPACK `potrf`.
package func choleskyInPlace<Element: LapackScalar>(
  n: Int, _ a: UnsafeMutablePointer<Element>, lda: Int
) -> Bool {
  let info = Element.routines.potrf(Int32(n), a, Int32(lda))
  precondition(info >= 0, "potrf: argument \(-info) is wrong for a matrix of order \(n)")
  return info == 0
}

/// `B = (L L^T)^-1 B` in place on row-major matrices, with the factor of `choleskyInPlace`.
///
/// **Shapes** L m x m, B m x n. **Complexity** m² n multiplies. **Source** BLAS `trsm`.
package func solveCholesky<Element: LapackScalar>(
  m: Int, n: Int, lower: UnsafePointer<Element>, ldl: Int, b: UnsafeMutablePointer<Element>, ldb: Int
) {
  guard m > 0, n > 0 else { return }
  Element.routines.trsmLeftLower(false, Int32(m), Int32(n), 1, lower, Int32(ldl), b, Int32(ldb))
  Element.routines.trsmLeftLower(true, Int32(m), Int32(n), 1, lower, Int32(ldl), b, Int32(ldb))
}
