public import TensorCore

extension Tensor where Element: LapackScalar {
  /// An orthonormal basis near the dominant eigenspace of a symmetric positive semidefinite matrix, by orthogonal
  /// iteration from a given start.
  ///
  ///     Q <- orth(Q A),   `iterations` times, Q's rows being the basis
  ///
  /// The captured energy `trace(Q A Q^T)` never falls from one iteration to the next, so a warm start is only ever
  /// improved. Far cheaper than an eigendecomposition where a good subspace is enough.
  ///
  /// **Shapes** this matrix A is [n, n]; `start` [r, n] with r <= n; the basis [r, n] in rows.
  ///
  /// **Throws** `.notFinite` where A or the start holds a NaN or an infinity.
  ///
  /// **Accuracy** the angle to an eigenvector i inside the space shrinks by (lambda(r+1) / lambda(i)) an iteration;
  /// rows are orthonormal to about epsilon times 1,000.
  ///
  /// **Complexity** n^2 r + 2 n r^2 multiplies an iteration.
  ///
  /// **Source** Golub and Van Loan, Matrix Computations, section 8.2.4.
  public func dominantSubspace(
    start: Tensor, iterations: Int
  ) throws(LinearAlgebraError) -> Tensor {
    precondition(
      shape.order == 2 && shape[0] == shape[1] && start.shape.order == 2 && start.shape[1] == shape[0]
        && start.shape[0] <= shape[0],
      "the dominant subspace of a matrix of \(shape) from a start of \(start.shape)")
    var basis = start
    for _ in 0..<iterations {
      basis = try matrixProduct(basis, self).orthonormalizedRows()
    }
    return basis
  }

  /// The rows made orthonormal, spanning the same space (completed where they are linearly dependent).
  ///
  /// **Shapes** [r, n] with r <= n, before and after.
  ///
  /// **Throws** `.notFinite`.
  ///
  /// **Accuracy** orthonormal to about epsilon times 1,000; call twice for epsilon.
  ///
  /// **Complexity** r^2 n multiplies by the Cholesky factor of the Gram matrix; where that is too ill conditioned,
  /// Householder QR at four times the cost.
  ///
  /// **Source** Cholesky QR: Golub and Van Loan, section 5.2; Yamamoto et al. 2015 for its accuracy.
  public func orthonormalizedRows() throws(LinearAlgebraError) -> Tensor {
    precondition(shape.order == 2 && shape[0] <= shape[1], "orthonormal rows of a tensor of \(shape)")
    guard count > 0 else { return self }
    let rows = normalizedRows()
    if let result = rows.choleskyOrthonormalizedRows() { return result }
    return try rows.permuted([1, 0]).qrDecomposition().q.permuted([1, 0])
  }

  /// Rows of length 1 (zero rows stay), so that the Gram matrix's condition says how dependent they are, not how
  /// long.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  private func normalizedRows() -> Tensor {
    var result = self
    let n = shape[1]
    result.withMutableSpan { span in
      for i in 0..<shape[0] {
        var sum = 0.0
        for j in (i * n)..<((i + 1) * n) { sum += Double(span[j]) * Double(span[j]) }
        guard sum > 0 else { continue }
        let scale = Element(1 / sum.squareRoot())
        for j in (i * n)..<((i + 1) * n) { span[j] *= scale }
      }
    }
    return result
  }

  /// L^-1 Y with L L^T = Y Y^T; nil where a pivot says that the result would be far from orthonormal.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  private func choleskyOrthonormalizedRows() -> Tensor? {
    let (r, n) = (shape[0], shape[1])
    var gram = matrixTimesTranspose()
    var result = self
    let well = gram.withMutableBuffer { l -> Bool in
      result.withMutableBuffer { y -> Bool in
        guard let l = l.baseAddress, let y = y.baseAddress else { return false }
        guard Element.routines.potrf(false, Int32(r), l, Int32(r)) == 0 else { return false }
        // The rows have length 1: a squared pivot p leaves an orthogonality of about epsilon / p.
        for i in 0..<r where l[i * r + i] * l[i * r + i] < 1e-3 { return false }
        Element.routines.trsmLeft(false, false, Int32(r), Int32(n), 1, l, Int32(r), y, Int32(n))
        return true
      }
    }
    return well ? result : nil
  }

  /// `A A^T` in the precision of the elements, both triangles.
  ///
  /// For Gram matrices whose small eigenvalues matter use `gramMatrix(mode:)`, which accumulates in Double.
  ///
  /// **Complexity** r^2 n / 2 multiplies. **Source** BLAS `syrk`.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  public func matrixTimesTranspose() -> Tensor {
    precondition(shape.order == 2, "the Gram matrix of a tensor of \(shape)")
    let (r, n) = (shape[0], shape[1])
    var gram = Tensor(shape: [r, r])
    guard count > 0 else { return gram }
    gram.withMutableBuffer { g in
      withBuffer { a in
        guard let g = g.baseAddress, let a = a.baseAddress else { return }
        Element.routines.syrk(false, Int32(r), Int32(n), 1, a, Int32(n), 0, g, Int32(r))
        for i in 0..<r {
          for j in 0..<i { g[i * r + j] = g[j * r + i] }
        }
      }
    }
    return gram
  }
}
