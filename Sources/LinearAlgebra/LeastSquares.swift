public import Tensors

extension Tensor where Element: LapackScalar {
  /// The X of least norm that minimises `||A X - B||`, and the numerical rank of A.
  ///
  /// **Shapes** this matrix A is [m, n], `b` [m, k]; the solution [n, k].
  ///
  /// **Throws** `.notFinite`; `.notComputed` where the singular value decomposition inside did not converge.
  ///
  /// **Traps** where the extents do not fit.
  ///
  /// **Accuracy** singular values below `tolerance` times the largest count as zero; a negative tolerance means
  /// machine epsilon.
  ///
  /// **Complexity** about 4 m n^2 multiplies. **Source** LAPACK `gelsd`.
  public func leastSquares(
    _ b: Tensor, tolerance: Element = -1
  ) throws(LinearAlgebraError) -> (solution: Tensor, rank: Int) {
    precondition(
      shape.order == 2 && b.shape.order == 2 && b.shape[0] == shape[0],
      "least squares of a matrix of \(shape) and a right-hand side of \(b.shape)")
    try requireFinite("least squares")
    try b.requireFinite("least squares")
    let m = try lapackInteger(shape[0], "least squares", shape)
    let n = try lapackInteger(shape[1], "least squares", shape)
    let k = try lapackInteger(b.shape[1], "least squares", b.shape)
    guard m > 0, n > 0, k > 0 else { return (Tensor(shape: [Int(n), Int(k)]), 0) }
    let rows = Swift.max(m, n)
    var a = permuted([1, 0])
    // Column-major, with room for the solution below the right-hand side.
    var x = Tensor(shape: [Int(k), Int(rows)])
    x.copyColumns(of: b)
    var rank: Int32 = 0
    let info = a.withMutableBuffer { a -> Int32 in
      x.withMutableBuffer { x -> Int32 in
        guard let a = a.baseAddress, let x = x.baseAddress else { return 0 }
        return withScratch(Int(Swift.min(m, n))) { s in
          var size: Element = 0
          var integers: Int32 = 0
          let query = Element.routines.gelsd(
            m, n, k, a, m, x, rows, s, tolerance, &rank, &size, -1, &integers)
          guard query == 0 else { return query }
          let length = workspaceLength(size)
          return withScratch(length) { work in
            withScratch(Int(integers)) { iwork in
              Element.routines.gelsd(
                m, n, k, a, m, x, rows, s, tolerance, &rank, work, Int32(clamping: length), iwork)
            }
          }
        }
      }
    }
    try check(info, "gelsd", shape)
    return (Tensor(x.view.sliced(axis: 1, 0..<Int(n)).permuted([1, 0])), Int(rank))
  }

  private mutating func copyColumns(of b: Tensor) {
    let (m, k, rows) = (b.shape[0], b.shape[1], shape[1])
    withMutableSpan { target in
      b.withSpan { source in
        for j in 0..<k {
          for i in 0..<m { target[j * rows + i] = source[i * k + j] }
        }
      }
    }
  }
}
