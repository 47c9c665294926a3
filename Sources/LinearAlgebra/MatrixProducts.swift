import Tensors

/// Products of matrices in memory of somebody else's.
package enum MatrixProducts {
  /// `C = A B` on row-major matrices without gaps.
  ///
  /// **Shapes** A [rows, depth], B [depth, columns], C [rows, columns].
  ///
  /// **Traps** where a slice is not of its matrix's size.
  ///
  /// **Source** BLAS `gemm`.
  package static func multiply<Element: LapackScalar>(
    _ a: MemorySlice<Element>, _ b: MemorySlice<Element>, into c: MemorySlice<Element>, rows: Int, depth: Int,
    columns: Int
  ) {
    precondition(
      a.count == rows * depth && b.count == depth * columns && c.count == rows * columns,
      "\(a.count), \(b.count) and \(c.count) elements for a product of \(rows)x\(depth) and \(depth)x\(columns)"
    )
    guard depth > 0 else { return c.fill(0) }
    BLASLibrary.withThreads(1) {
      gemm(
        m: rows, n: columns, k: depth, a: a.base, lda: depth, b: b.base, ldb: columns, c: c.base, ldc: columns
      )
    }
  }
}
