public import Tensors

extension Tensor where Element: LapackScalar {
  /// The thin orthogonal factor of a matrix with at least as many rows as columns: `A = Q R`.
  ///
  /// The columns are orthonormal even where A's are linearly dependent.
  ///
  /// **Shapes** this matrix is [m, n] with m >= n; Q [m, n], R [n, n] upper triangular.
  ///
  /// **Throws** `.notFinite`. **Traps** where the tensor is not a matrix or has more columns than rows.
  ///
  /// **Accuracy** orthonormal to a modest multiple of epsilon.
  ///
  /// **Complexity** 2 m n^2 multiplies; two transposed copies. **Source** LAPACK `geqrf`, `orgqr`.
  public func qrDecomposition() throws(LinearAlgebraError) -> (q: Tensor, r: Tensor) {
    precondition(shape.order == 2 && shape[0] >= shape[1], "the thin QR of a tensor of \(shape)")
    try requireFinite("QR decomposition")
    let m = try lapackInteger(shape[0], "QR decomposition", shape)
    let n = try lapackInteger(shape[1], "QR decomposition", shape)
    var columns = permuted([1, 0])
    var r = Tensor(shape: [Int(n), Int(n)])
    guard n > 0 else { return (self, r) }
    let info = columns.withMutableBuffer { a -> Int32 in
      r.withMutableBuffer { r -> Int32 in
        guard let a = a.baseAddress, let r = r.baseAddress else { return 0 }
        return Self.factor(m, n, a, triangle: r)
      }
    }
    try check(info, "geqrf and orgqr", shape)
    return (columns.permuted([1, 0]), r)
  }

  /// Householder QR in place on column-major `a`; R goes row-major to `r` before Q overwrites it.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  private static func factor(
    _ m: Int32, _ n: Int32, _ a: UnsafeMutablePointer<Element>, triangle r: UnsafeMutablePointer<Element>
  ) -> Int32 {
    withScratch(Int(n)) { tau in
      var sizes: (Element, Element) = (0, 0)
      _ = Element.routines.geqrf(m, n, a, m, tau, &sizes.0, -1)
      _ = Element.routines.orgqr(m, n, n, a, m, tau, &sizes.1, -1)
      let lwork = Int32(clamping: workspaceLength(Swift.max(sizes.0, sizes.1)))
      return withScratch(Int(lwork)) { work in
        let info = Element.routines.geqrf(m, n, a, m, tau, work, lwork)
        guard info == 0 else { return info }
        for i in 0..<Int(n) {
          for j in i..<Int(n) { r[i * Int(n) + j] = a[j * Int(m) + i] }
        }
        return Element.routines.orgqr(m, n, n, a, m, tau, work, lwork)
      }
    }
  }
}
