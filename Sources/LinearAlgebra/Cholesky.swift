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
        guard let x = x.baseAddress, let l = l.baseAddress else { return }
        let columns = Int32(b.shape[1])
        Element.routines.trsmLeft(false, transposed, Int32(n), columns, 1, l, Int32(n), x, columns)
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
  /// **Complexity** n^3 / 6 multiplies. **Source** LAPACK `potrf`.
  public func choleskyDecomposition() throws(LinearAlgebraError) -> CholeskyDecomposition<Element> {
    precondition(shape.order == 2 && shape[0] == shape[1], "the Cholesky factor of a tensor of \(shape)")
    try requireFinite("Cholesky decomposition")
    let n = try lapackInteger(shape[0], "Cholesky decomposition", shape)
    var factor = self
    guard n > 0 else { return CholeskyDecomposition(lower: factor) }
    let info = factor.withMutableBuffer { a -> Int32 in
      guard let a = a.baseAddress else { return 0 }
      let info = Element.routines.potrf(false, n, a, n)
      for i in 0..<Int(n) {
        for j in (i + 1)..<Swift.max(i + 1, Int(n)) { a[i * Int(n) + j] = 0 }
      }
      return info
    }
    try check(info, "potrf", shape)
    return CholeskyDecomposition(lower: factor)
  }
}
