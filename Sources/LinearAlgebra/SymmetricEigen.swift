public import Tensors

/// Eigenvalues and eigenvectors of a symmetric matrix, `A V = V diag(w)`.
public struct SymmetricEigendecomposition<Element: LapackScalar>: Sendable {
  /// The eigenvalues, descending.
  public let values: [Element]
  /// The orthonormal eigenvectors as columns in the order of the values, [n, r].
  public let vectors: Tensor<Element>
}

extension Tensor where Element: LapackScalar {
  /// The eigenvalues of a symmetric matrix, descending; only the upper triangle is read.
  ///
  /// **Throws** `.notFinite`; `.notComputed` where `syevd` did not converge. **Traps** unless the matrix is square.
  ///
  /// **Complexity** about 4/3 n^3 multiplies. **Source** LAPACK `syevd`.
  public func symmetricEigenvalues() throws(LinearAlgebraError) -> [Element] {
    try symmetricEigen(job: "N").values
  }

  /// All eigenvalues and eigenvectors of a symmetric matrix; only the upper triangle is read.
  ///
  /// **Shapes** this matrix is [n, n]; `vectors` [n, n].
  ///
  /// **Throws** and **Traps** as `symmetricEigenvalues()`.
  ///
  /// **Accuracy** each eigenvalue within a modest multiple of epsilon times the largest.
  ///
  /// **Complexity** about 4 n^3 multiplies. **Source** LAPACK `syevd`.
  public func symmetricEigendecomposition() throws(LinearAlgebraError) -> SymmetricEigendecomposition<Element>
  {
    let (values, rows) = try symmetricEigen(job: "V")
    return SymmetricEigendecomposition(values: values, vectors: rows.descendingColumns())
  }

  /// The `rank` largest eigenvalues of a symmetric matrix and their eigenvectors.
  ///
  /// **Shapes** this matrix is [n, n]; `vectors` [n, rank].
  ///
  /// **Throws** and **Accuracy** as `symmetricEigendecomposition()`. **Traps** where `rank` is not in `0...n`.
  ///
  /// **Complexity** about 4/3 n^3 + 2 n^2 rank multiplies. **Source** LAPACK `syevr`; `syevd` where more than a
  /// quarter is wanted or where `syevr` fails.
  public func symmetricEigendecomposition(
    leading rank: Int
  ) throws(LinearAlgebraError) -> SymmetricEigendecomposition<Element> {
    let n = try requireSquare()
    precondition(rank >= 0 && rank <= n, "the leading \(rank) eigenvectors of a matrix of \(shape)")
    guard rank > 0 else { return SymmetricEigendecomposition(values: [], vectors: Tensor(shape: [n, 0])) }
    // Measured on OpenBLAS from 64 to 1536 rows: in Double the divide and conquer of `syevd` finds all vectors in the
    // time that `syevr` takes for a quarter of them.
    if rank <= n / 4, let part = try? leadingEigen(rank) { return part }
    let all = try symmetricEigendecomposition()
    return SymmetricEigendecomposition(
      values: Array(all.values.prefix(rank)), vectors: Tensor(all.vectors.view.sliced(axis: 1, 0..<rank)))
  }

  private func requireSquare() throws(LinearAlgebraError) -> Int {
    precondition(shape.order == 2 && shape[0] == shape[1], "the eigenvalues of a tensor of \(shape)")
    try requireFinite("eigendecomposition")
    return shape[0]
  }

  /// Eigenvalues descending and, for job V, eigenvectors as rows, ascending.
  ///
  /// LAPACK's column-major upper triangle is the row-major lower one. Both are filled first from the upper, so the
  /// letter does not matter.
  private func symmetricEigen(job: Character) throws(LinearAlgebraError) -> (values: [Element], rows: Tensor)
  {
    let n = try lapackInteger(try requireSquare(), "eigendecomposition", shape)
    var copy = mirroredUpperTriangle()
    guard n > 0 else { return ([], copy) }
    var values = [Element](repeating: 0, count: Int(n))
    let info = copy.withMutableBuffer { a -> Int32 in
      values.withUnsafeMutableBufferPointer { w -> Int32 in
        guard let a = a.baseAddress, let w = w.baseAddress else { return 0 }
        var size: Element = 0
        var integers: Int32 = 0
        let query = Element.routines.syevd(job, n, a, n, w, &size, -1, &integers, -1)
        guard query == 0 else { return query }
        let length = workspaceLength(size)
        return withScratch(length) { work in
          withScratch(Int(integers)) { iwork in
            Element.routines.syevd(job, n, a, n, w, work, Int32(clamping: length), iwork, integers)
          }
        }
      }
    }
    try check(info, "syevd", shape)
    return (values.reversed(), copy)
  }

  private func leadingEigen(_ rank: Int) throws(LinearAlgebraError) -> SymmetricEigendecomposition<Element> {
    let n = try lapackInteger(shape[0], "eigendecomposition", shape)
    var copy = mirroredUpperTriangle()
    var values = [Element](repeating: 0, count: Int(n))
    var rows = Tensor(shape: [rank, Int(n)])
    var found: Int32 = 0
    let info = copy.withMutableBuffer { a -> Int32 in
      values.withUnsafeMutableBufferPointer { w -> Int32 in
        rows.withMutableBuffer { z -> Int32 in
          guard let a = a.baseAddress, let w = w.baseAddress, let z = z.baseAddress else { return 0 }
          func run(
            _ work: UnsafeMutablePointer<Element>, _ lwork: Int32, _ iwork: UnsafeMutablePointer<Int32>,
            _ liwork: Int32
          ) -> Int32 {
            withScratch(2 * rank, of: Int32.self) { support in
              Element.routines.syevr(
                n, a, n, n - Int32(rank) + 1, n, &found, w, z, n, support, work, lwork, iwork, liwork)
            }
          }
          var size: Element = 0
          var integers: Int32 = 0
          let query = run(&size, -1, &integers, -1)
          guard query == 0 else { return query }
          let length = workspaceLength(size)
          return withScratch(length) { work in
            withScratch(Int(integers)) { iwork in run(work, Int32(clamping: length), iwork, integers) }
          }
        }
      }
    }
    try check(info, "syevr", shape)
    guard Int(found) == rank else { throw .notComputed(routine: "syevr", info: Int(found), extents: shape) }
    return SymmetricEigendecomposition(
      values: values.prefix(rank).reversed(), vectors: rows.descendingColumns())
  }

  /// Eigenvectors in ascending rows as descending columns.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  private func descendingColumns() -> Tensor {
    let (rank, n) = (shape[0], shape[1])
    return Tensor(shape: [n, rank]) { columns in
      withSpan { rows in
        for i in 0..<n {
          for j in 0..<rank { columns[i * rank + j] = rows[(rank - 1 - j) * n + i] }
        }
      }
    }
  }

  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  private func mirroredUpperTriangle() -> Tensor {
    var copy = self
    copy.withMutableBuffer { elements in
      if let elements = elements.baseAddress { mirrorUpperTriangle(elements, order: shape[0]) }
    }
    return copy
  }
}
