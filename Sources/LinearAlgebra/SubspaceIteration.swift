public import Tensors

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

  /// Approximate leading eigenvectors of a symmetric positive semidefinite matrix as rows, ordered by eigenvalue, by
  /// orthogonal iteration with a Rayleigh-Ritz step at the end, and the Ritz values.
  ///
  ///     Q <- orth(Q A),  `iterations` - 1 times;   W = Q A,  W Q^T = S diag(values) S^T,   rows = orth(S^T W)
  ///
  /// The values are the Ritz values of Q, so the energy that the leading rows capture, one step further on, is at least
  /// their sum; neither ever falls from a warm start.
  ///
  /// **Shapes** this matrix A is [n, n]; `start` [r, n] with r <= n, orthonormal rows; the rows [r, n], r values.
  ///
  /// **Throws** `.notFinite`; `.notComputed` where the eigenproblem of order r did not converge.
  ///
  /// **Accuracy** row i nears its eigenvector by (lambda(r+1) / lambda(i)) an iteration.
  ///
  /// **Complexity** n² r multiplies an iteration, 2 n r² for each orthonormalization, about 4 r³ for the eigenproblem.
  ///
  /// **Source** Rutishauser 1970, Simultaneous iteration method for symmetric matrices.
  public func dominantRows(
    from start: Tensor, iterations: Int
  ) throws(LinearAlgebraError) -> (rows: Tensor, values: [Double]) {
    let basis = try dominantSubspace(start: start, iterations: Swift.max(0, iterations - 1))
    let product = matrixProduct(basis, self)
    let eigen = try matrixProduct(product, basis, transposeB: true).symmetricEigendecomposition()
    let rows = try matrixProduct(eigen.vectors, product, transposeA: true).orthonormalizedRows()
    return (rows, eigen.values.map { Double($0) })
  }

  /// The rows made orthonormal, spanning the same space (completed where they are linearly dependent).
  ///
  /// **Shapes** [r, n] with r <= n, before and after.
  ///
  /// **Throws** `.notFinite`.
  ///
  /// **Accuracy** orthonormal to about epsilon times 1,000; call twice for epsilon.
  ///
  /// **Complexity** r^2 n multiplies by the Cholesky factor of the Gram matrix, twice where that is ill conditioned; where
  /// it is too much so, Householder QR at four times the cost.
  ///
  /// **Source** Cholesky QR: Golub and Van Loan, section 5.2; Yamamoto et al. 2015 for its accuracy.
  public func orthonormalizedRows() throws(LinearAlgebraError) -> Tensor {
    precondition(shape.order == 2 && shape[0] <= shape[1], "orthonormal rows of a tensor of \(shape)")
    guard count > 0 else { return self }
    let rows = normalizedRows()
    if let (result, pivot) = rows.choleskyOrthonormalizedRows() {
      if pivot >= 1e-3 { return result }
      // Far from orthonormal, but near enough for a second pass; cheaper than Householder's.
      if pivot >= 1e-5, let (again, pivot) = result.choleskyOrthonormalizedRows(), pivot >= 1e-3 {
        return again
      }
    }
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
        let row = (i * n)..<((i + 1) * n)
        let norm = euclideanNorm(span.span, row)
        guard norm > 0 else { continue }
        let scale = Element(1 / norm)
        if scale.isNormal {
          for j in row { span[j] *= scale }
        } else {
          // The reciprocal of a row so short or so long is no number of this type.
          for j in row { span[j] = Element(Double(span[j]) / norm) }
        }
      }
    }
    return result
  }

  /// L^-1 Y with L L^T = Y Y^T, and the least squared pivot p: rows of length 1 become orthonormal to about epsilon / p.
  /// Nil where they are dependent.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  private func choleskyOrthonormalizedRows() -> (rows: Tensor, pivot: Element)? {
    let (r, n) = (shape[0], shape[1])
    var gram = matrixTimesTranspose()
    var result = self
    let pivot = gram.withMutableBuffer { l -> Element in
      result.withMutableBuffer { y -> Element in
        guard let l = l.baseAddress, let y = y.baseAddress else { return 0 }
        guard Element.routines.potrf(false, Int32(r), l, Int32(r)) == 0 else { return 0 }
        Element.routines.trsmLeft(false, false, Int32(r), Int32(n), 1, l, Int32(r), y, Int32(n))
        return (0..<r).reduce(1) { Swift.min($0, l[$1 * r + $1] * l[$1 * r + $1]) }
      }
    }
    return pivot > 0 ? (result, pivot) : nil
  }

  /// `A A^T` in the precision of the elements, both triangles.
  ///
  /// For Gram matrices whose small eigenvalues matter use `gramMatrix(mode:)`, which accumulates in Double.
  ///
  /// **Shapes** [r, n] gives [r, r]. **Complexity** r^2 n / 2 multiplies. **Source** BLAS `syrk`.
  public func matrixTimesTranspose() -> Tensor {
    gram(transposed: false)
  }

  /// `A^T A` in the precision of the elements, both triangles.
  ///
  /// **Shapes** [r, n] gives [n, n]. **Complexity** n^2 r / 2 multiplies. **Source** BLAS `syrk`.
  public func transposeTimesMatrix() -> Tensor {
    gram(transposed: true)
  }

  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  private func gram(transposed: Bool) -> Tensor {
    precondition(shape.order == 2, "the Gram matrix of a tensor of \(shape)")
    let (n, k) = transposed ? (shape[1], shape[0]) : (shape[0], shape[1])
    var gram = Tensor(shape: [n, n])
    guard count > 0 else { return gram }
    gram.withMutableBuffer { g in
      withBuffer { a in
        guard let g = g.baseAddress, let a = a.baseAddress else { return }
        Element.routines.syrk(transposed, Int32(n), Int32(k), 1, a, Int32(shape[1]), 0, g, Int32(n))
        mirrorUpperTriangle(g, order: n)
      }
    }
    return gram
  }
}
