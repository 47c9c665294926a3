public import Tensors

/// The Cholesky factor of a symmetric positive definite matrix, `A = L L^T`, kept to solve with.
public struct CholeskyDecomposition<Element: LapackScalar>: Sendable {
  /// The lower triangular factor, [n, n]; zero above the diagonal.
  public let lower: Tensor<Element>

  /// Solves `A X = B`.
  ///
  /// **Shapes** `b` [n, k]; the result [n, k]. **Traps** where `b` does not fit.
  ///
  /// **Complexity** n^2 k multiplies. **Source** LAPACK `potrs`.
  public func solve(_ b: Tensor<Element>) -> Tensor<Element> {
    let n = lower.shape[0]
    precondition(
      b.shape.order == 2 && b.shape[0] == n, "a right-hand side of \(b.shape) for a matrix of order \(n)")
    guard b.count > 0 else { return b }
    var columns = b.permuted([1, 0])
    let info = columns.withMutableBuffer { x -> Int32 in
      lower.withBuffer { l -> Int32 in
        guard let x = x.baseAddress, let l = l.baseAddress else { return 0 }
        return Element.routines.potrs(Int32(n), Int32(b.shape[1]), l, Int32(n), x, Int32(n))
      }
    }
    precondition(info == 0, "potrs: argument \(-info) is wrong for a matrix of order \(n)")
    return columns.permuted([1, 0])
  }

  /// Solves one triangle: `L X = B`, or `L^T X = B` with `transposed`. What has the
  /// covariance A has the covariance 1 behind the first.
  ///
  /// **Shapes** `b` [n, k]; the result [n, k]. **Traps** where `b` does not fit.
  ///
  /// **Complexity** n^2 k / 2 multiplies. **Source** BLAS `trsm`.
  public func solveTriangle(_ b: Tensor<Element>, transposed: Bool = false) -> Tensor<Element> {
    let n = lower.shape[0]
    precondition(
      b.shape.order == 2 && b.shape[0] == n, "a right-hand side of \(b.shape) for a triangle of order \(n)")
    guard b.count > 0 else { return b }
    var solution = b
    solution.withMutableBuffer { x in
      lower.withBuffer { l in
        guard let first = x.baseAddress, let triangle = l.baseAddress else { return }
        let columns = b.shape[1]
        let isLarge = n * n * columns / 2 >= SharedWork.leastMultiplies
        let panel = isLarge ? min(columns, SharedWork.panel) : columns
        // Each panel of columns is solved for by one thread, and the triangle written by none.
        nonisolated(unsafe) let (l, x) = (triangle, first)
        SharedWork.run((columns + panel - 1) / panel) { place in
          let start = place * panel
          let width = Int32(min(panel, columns - start))
          Element.routines.trsmLeft(
            false, transposed, Int32(n), width, 1, l, Int32(n), x + start, Int32(columns))
        }
      }
    }
    return solution
  }
}

extension Tensor where Element: LapackScalar {
  /// The Cholesky decomposition of a symmetric positive definite matrix; only the lower triangle is read.
  ///
  /// **Shapes** this matrix is [n, n].
  ///
  /// **Throws** `.notFinite`; `.notComputed` with the order of the leading minor that is not positive definite.
  ///
  /// **Complexity** n^3 / 6 multiplies; in the place of a matrix that nobody else holds. **Source** LAPACK `potrf`.
  public consuming func choleskyDecomposition() throws(LinearAlgebraError) -> CholeskyDecomposition<Element> {
    precondition(shape.order == 2 && shape[0] == shape[1], "the Cholesky factor of a tensor of \(shape)")
    try requireFinite("Cholesky decomposition")
    let shape = shape
    let n = try lapackInteger(shape[0], "Cholesky decomposition", shape)
    var factor = consume self
    guard n > 0 else { return CholeskyDecomposition(lower: factor) }
    let info = factor.withMutableBuffer { a -> Int32 in
      guard let a = a.baseAddress else { return 0 }
      let info = Self.factorLower(a, n)
      for i in 0..<Int(n) {
        for j in (i + 1)..<Swift.max(i + 1, Int(n)) { a[i * Int(n) + j] = 0 }
      }
      return info
    }
    try check(info, "potrf", shape)
    return CholeskyDecomposition(lower: factor)
  }

  /// The factor of a row-major lower triangle in its place, LAPACK's `info`; a large one by blocks, what is left of the
  /// matrix updated tile by tile (see `SharedWork`).
  ///
  /// **Source** Golub and Van Loan, section 4.2.6 (the outer product form by blocks).
  private static func factorLower(_ a: UnsafeMutablePointer<Element>, _ order: Int32) -> Int32 {
    let (n, block) = (Int(order), 2 * SharedWork.panel)
    guard n * n * n / 6 >= SharedWork.leastMultiplies else {
      return Element.routines.potrf(false, order, a, order)
    }
    for start in stride(from: 0, to: n, by: block) {
      let width = Swift.min(block, n - start)
      let corner = a + start * n + start
      let info = Element.routines.potrf(false, Int32(width), corner, order)
      guard info == 0 else { return info > 0 ? info + Int32(start) : info }
      let below = start + width
      let tiles = (n - below + block - 1) / block
      @Sendable func rows(_ tile: Int) -> (first: Int, count: Int) {
        (below + tile * block, Swift.min(block, n - below - tile * block))
      }
      // A tile is written by one thread only; the updates read what the first round has written.
      nonisolated(unsafe) let (a, diagonal) = (a, UnsafePointer(corner))
      SharedWork.run(tiles) { tile in
        let (first, count) = rows(tile)
        Element.routines.trsmRight(
          false, true, Int32(count), Int32(width), 1, diagonal, order, a + first * n + start, order)
      }
      let pairs = (0..<tiles).flatMap { i in (0...i).map { (i, $0) } }
      SharedWork.run(pairs.count) { place in
        let (row, column) = (rows(pairs[place].0), rows(pairs[place].1))
        gemm(
          transposeB: true, m: row.count, n: column.count, k: width, alpha: -1,
          a: UnsafePointer(a + row.first * n + start), lda: n,
          b: UnsafePointer(a + column.first * n + start), ldb: n, beta: 1,
          c: a + row.first * n + column.first, ldc: n)
      }
    }
    return 0
  }
}
