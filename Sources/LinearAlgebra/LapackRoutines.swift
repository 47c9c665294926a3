public import Tensors

/// The BLAS and LAPACK routines of one precision, so that each algorithm is written once for both.
///
/// All matrices are column-major as LAPACK has them; the callers hand row-major matrices over as transposes, so no
/// routine copies. Arguments follow LAPACK's own order. The LAPACK functions return `info`; a `query` for the
/// workspace passes -1 as `lwork` and reads the size from the first element.
public struct LapackRoutines<Element: Scalar>: Sendable {
  typealias Input = UnsafePointer<Element>
  typealias Output = UnsafeMutablePointer<Element>
  typealias Integers = UnsafeMutablePointer<Int32>

  /// A row-major GEMM: (transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc).
  let gemm:
    @Sendable (Bool, Bool, Int32, Int32, Int32, Element, Input, Int32, Input, Int32, Element, Output, Int32)
      -> Void
  /// A row-major SYRK on the upper triangle: (transA, n, k, alpha, a, lda, beta, c, ldc).
  let syrk: @Sendable (Bool, Int32, Int32, Element, Input, Int32, Element, Output, Int32) -> Void
  /// A row-major GEMV: (transA, m, n, alpha, a, lda, x, incx, beta, y, incy).
  let gemv:
    @Sendable (Bool, Int32, Int32, Element, Input, Int32, Input, Int32, Element, Output, Int32) -> Void
  /// A row-major rank-one update: (m, n, alpha, x, y, a, lda).
  let ger: @Sendable (Int32, Int32, Element, Input, Input, Output, Int32) -> Void
  /// A row-major TRSM from the left, not unit: (upper, transA, m, n, alpha, a, lda, b, ldb).
  let trsmLeft: @Sendable (Bool, Bool, Int32, Int32, Element, Input, Int32, Output, Int32) -> Void
  /// The same from the right, B [m, n].
  let trsmRight: @Sendable (Bool, Bool, Int32, Int32, Element, Input, Int32, Output, Int32) -> Void
  /// (jobz, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, iwork)
  let gesdd:
    @Sendable (
      Character, Int32, Int32, Output, Int32, Output, Output?, Int32, Output?, Int32, Output, Int32, Integers
    ) -> Int32
  /// (jobu and jobvt, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork)
  let gesvd:
    @Sendable (
      Character, Int32, Int32, Output, Int32, Output, Output?, Int32, Output?, Int32, Output, Int32
    ) -> Int32
  /// (jobz, n, a, lda, w, work, lwork, iwork, liwork), upper triangle
  let syevd: @Sendable (Character, Int32, Output, Int32, Output, Output, Int32, Integers, Int32) -> Int32
  /// (n, a, lda, first, last, found, w, z, ldz, isuppz, work, lwork, iwork, liwork), upper triangle, by index
  let syevr:
    @Sendable (
      Int32, Output, Int32, Int32, Int32, Integers, Output, Output, Int32, Integers, Output, Int32, Integers,
      Int32
    ) -> Int32
  /// (m, n, a, lda, tau, work, lwork)
  let geqrf: @Sendable (Int32, Int32, Output, Int32, Output, Output, Int32) -> Int32
  /// (m, n, k, a, lda, tau, work, lwork)
  let orgqr: @Sendable (Int32, Int32, Int32, Output, Int32, Input, Output, Int32) -> Int32
  /// (upper, n, a, lda), in a row-major triangle
  let potrf: @Sendable (Bool, Int32, Output, Int32) -> Int32
  /// (n, nrhs, a, lda, b, ldb), with the factor from `potrf`
  let potrs: @Sendable (Int32, Int32, Input, Int32, Output, Int32) -> Int32
  /// (m, n, nrhs, a, lda, b, ldb, s, rcond, rank, work, lwork, iwork)
  let gelsd:
    @Sendable (
      Int32, Int32, Int32, Output, Int32, Output, Int32, Output, Element, Integers, Output, Int32, Integers
    ) -> Int32
}
