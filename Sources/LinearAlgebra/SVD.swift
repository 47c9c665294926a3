public import Tensors

/// A thin singular value decomposition, `A = U diag(s) V^T`.
public struct SingularValueDecomposition<Element: LapackScalar>: Sendable {
  /// The left singular vectors as columns, [m, r].
  public let left: Tensor<Element>
  /// The singular values, descending.
  public let values: [Element]
  /// The right singular vectors as rows, V^T, [r, n].
  public let rightTransposed: Tensor<Element>
}

extension Tensor where Element: LapackScalar {
  /// The thin singular value decomposition of a matrix, `A = U diag(s) V^T` with r = min(m, n).
  ///
  /// **Shapes** this matrix is [m, n]; `left` [m, r], `rightTransposed` [r, n].
  ///
  /// **Throws** `LinearAlgebraError.notFinite`; `.notComputed` where neither `gesdd` nor `gesvd` converged.
  ///
  /// **Traps** where the tensor is not a matrix.
  ///
  /// **Accuracy** backward stable: singular values within a modest multiple of epsilon times the largest.
  ///
  /// **Complexity** about 6 m n r + 20 r^3 multiplies; one copy of the matrix.
  ///
  /// **Source** LAPACK `gesdd`, on failure `gesvd`.
  public func singularValueDecomposition() throws(LinearAlgebraError) -> SingularValueDecomposition<Element> {
    let rank = try requireMatrix("singular value decomposition")
    var u = Tensor(shape: [shape[0], rank])
    var vt = Tensor(shape: [rank, shape[1]])
    guard rank > 0 else { return SingularValueDecomposition(left: u, values: [], rightTransposed: vt) }
    var values = [Element](repeating: 0, count: rank)
    try u.withMutableBuffer { (u: UnsafeMutableBufferPointer<Element>) throws(LinearAlgebraError) in
      try vt.withMutableBuffer { (vt: UnsafeMutableBufferPointer<Element>) throws(LinearAlgebraError) in
        try svd(job: "S", u: u.baseAddress, vt: vt.baseAddress, values: &values)
      }
    }
    return SingularValueDecomposition(left: u, values: values, rightTransposed: vt)
  }

  /// The singular values of a matrix, descending; cheaper than the whole decomposition.
  ///
  /// **Throws** and **Accuracy** as `singularValueDecomposition()`.
  public func singularValues() throws(LinearAlgebraError) -> [Element] {
    let rank = try requireMatrix("singular values")
    guard rank > 0 else { return [] }
    var values = [Element](repeating: 0, count: rank)
    try svd(job: "N", u: nil, vt: nil, values: &values)
    return values
  }

  /// The leading part of the singular value decomposition: the `rank` largest values and their vectors.
  ///
  /// **Shapes** `left` [m, rank], `rightTransposed` [rank, n].
  ///
  /// **Throws** as `singularValueDecomposition()`. **Traps** where `rank` is not in `0...min(m, n)`.
  ///
  /// **Complexity** the thin decomposition's; the parts not asked for are dropped.
  public func singularValueDecomposition(
    leading rank: Int
  ) throws(LinearAlgebraError) -> SingularValueDecomposition<Element> {
    let full = try singularValueDecomposition()
    precondition(rank >= 0 && rank <= full.values.count, "the leading \(rank) of a matrix of \(shape)")
    return SingularValueDecomposition(
      left: Tensor(full.left.view.sliced(axis: 1, 0..<rank)), values: Array(full.values.prefix(rank)),
      rightTransposed: Tensor(full.rightTransposed.view.sliced(axis: 0, 0..<rank)))
  }

  private func requireMatrix(_ operation: String) throws(LinearAlgebraError) -> Int {
    precondition(shape.order == 2, "the \(operation) of a tensor of \(shape)")
    try requireFinite(operation)
    return Swift.min(shape[0], shape[1])
  }

  /// A row-major [m, n] is LAPACK's column-major n x m, its transpose: U and V change places.
  private func svd(
    job: Character, u: UnsafeMutablePointer<Element>?, vt: UnsafeMutablePointer<Element>?,
    values: inout [Element]
  ) throws(LinearAlgebraError) {
    let m = try lapackInteger(shape[0], "singular value decomposition", shape)
    let n = try lapackInteger(shape[1], "singular value decomposition", shape)
    let r = Swift.min(m, n)
    func attempt(
      _ routine: String,
      _ run: (
        UnsafeMutablePointer<Element>, UnsafeMutablePointer<Element>, UnsafeMutablePointer<Element>, Int32
      )
        -> Int32
    ) throws(LinearAlgebraError) {
      var copy = self
      let info = values.withUnsafeMutableBufferPointer { values in
        copy.withMutableBuffer { a -> Int32 in
          guard let a = a.baseAddress, let s = values.baseAddress else { return 0 }
          var size: Element = 0
          let query = run(a, s, &size, -1)
          guard query == 0 else { return query }
          let length = workspaceLength(size)
          return withScratch(length) { work in run(a, s, work, Int32(clamping: length)) }
        }
      }
      try check(info, routine, shape)
    }
    let ldvt = job == "N" ? 1 : r
    do {
      try attempt("gesdd") { a, s, work, lwork in
        withScratch(8 * Int(r), of: Int32.self) { iwork in
          Element.routines.gesdd(job, n, m, a, n, s, vt, n, u, ldvt, work, lwork, iwork)
        }
      }
    } catch {
      try attempt("gesvd") { a, s, work, lwork in
        Element.routines.gesvd(job, n, m, a, n, s, vt, n, u, ldvt, work, lwork)
      }
    }
  }
}
