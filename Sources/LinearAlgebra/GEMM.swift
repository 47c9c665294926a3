public import Tensors

/// `C = alpha op(A) op(B) + beta C` on row-major matrices, by CBLAS.
///
/// The unchecked core below `matrixProduct`; only for code that has already checked its extents.
///
/// **Shapes** op(A) m x k, op(B) k x n, C m x n; `lda`, `ldb`, `ldc` are the distances between rows as stored.
///
/// **Complexity** m n k multiplies; OpenBLAS packs its operands into buffers of its own.
///
/// **Source** BLAS `sgemm`, `dgemm`.
package func gemm<Element: LapackScalar>(
  transposeA: Bool = false, transposeB: Bool = false, m: Int, n: Int, k: Int, alpha: Element = 1,
  a: UnsafePointer<Element>, lda: Int, b: UnsafePointer<Element>, ldb: Int, beta: Element = 0,
  c: UnsafeMutablePointer<Element>, ldc: Int
) {
  guard m > 0, n > 0 else { return }
  Element.routines.gemm(
    transposeA, transposeB, Int32(m), Int32(n), Int32(k), alpha, a, Int32(max(1, lda)), b, Int32(max(1, ldb)),
    beta,
    c, Int32(max(1, ldc)))
}

/// The product of two matrices, `op(A) op(B)`.
///
/// **Shapes** op(A) [m, k], op(B) [k, n]; the result is [m, n]. `transposeA` says that A is stored as [k, m].
///
/// **Traps** where an operand is not a matrix or the inner extents differ.
///
/// **Accuracy** each element within `k` epsilon of the sum of the absolute products.
///
/// **Complexity** m n k multiplies, one allocation.
public func matrixProduct<Element: LapackScalar>(
  _ a: Tensor<Element>, _ b: Tensor<Element>, transposeA: Bool = false, transposeB: Bool = false
) -> Tensor<Element> {
  precondition(a.shape.order == 2 && b.shape.order == 2, "a product of tensors of \(a.shape) and \(b.shape)")
  let (m, k) = transposeA ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
  let (inner, n) = transposeB ? (b.shape[1], b.shape[0]) : (b.shape[0], b.shape[1])
  precondition(k == inner, "a product of matrices of \(a.shape) and \(b.shape): \(k) is not \(inner)")
  return Tensor(shape: [m, n]) { c in
    a.withBuffer { a in
      b.withBuffer { b in
        c.withUnsafeMutableBufferPointer { c in
          // An empty operand may have no address.
          guard k > 0 else { return c.update(repeating: 0) }
          guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
          panelledProduct(transposeA, transposeB, m: m, n: n, k: k, a, b, c)
        }
      }
    }
  }
}

/// A product of matrices without gaps; a large one by panels of its longer side (see `SharedWork`).
private func panelledProduct<Element: LapackScalar>(
  _ transposeA: Bool, _ transposeB: Bool, m: Int, n: Int, k: Int, _ a: UnsafePointer<Element>,
  _ b: UnsafePointer<Element>, _ c: UnsafeMutablePointer<Element>
) {
  let (lda, ldb) = (transposeA ? m : k, transposeB ? k : n)
  let panel = SharedWork.panel
  guard m * n * k >= SharedWork.leastMultiplies, max(m, n) > panel else {
    gemm(
      transposeA: transposeA, transposeB: transposeB, m: m, n: n, k: k, a: a, lda: lda, b: b, ldb: ldb, c: c,
      ldc: n)
    return
  }
  let byRows = m > n
  // A panel is written by one thread only, and the operands by none.
  nonisolated(unsafe) let (a, b, c) = (a, b, c)
  SharedWork.run((max(m, n) + panel - 1) / panel) { place in
    let start = place * panel
    let width = min(panel, max(m, n) - start)
    if byRows {
      gemm(
        transposeA: transposeA, transposeB: transposeB, m: width, n: n, k: k,
        a: a + (transposeA ? start : start * k), lda: lda, b: b, ldb: ldb, c: c + start * n, ldc: n)
    } else {
      gemm(
        transposeA: transposeA, transposeB: transposeB, m: m, n: width, k: k, a: a, lda: lda,
        b: b + (transposeB ? start * k : start), ldb: ldb, c: c + start, ldc: n)
    }
  }
}

extension Tensor {
  /// Lends the elements as a pointer, for routines in C.
  package func withBuffer<R, E: Error>(_ body: (UnsafeBufferPointer<Element>) throws(E) -> R) throws(E) -> R {
    try withSpan { (span: Span<Element>) throws(E) -> R in
      try span.withUnsafeBufferPointer { (buffer: UnsafeBufferPointer<Element>) throws(E) -> R in
        try body(buffer)
      }
    }
  }

  /// Lends the elements as a pointer for writing, for routines in C.
  package mutating func withMutableBuffer<R, E: Error>(
    _ body: (UnsafeMutableBufferPointer<Element>) throws(E) -> R
  ) throws(E) -> R {
    try withMutableSpan { (span: inout MutableSpan<Element>) throws(E) -> R in
      try span.withUnsafeMutableBufferPointer {
        (buffer: UnsafeMutableBufferPointer<Element>) throws(E) -> R in
        try body(buffer)
      }
    }
  }
}
