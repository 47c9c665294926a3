public import Tensors

extension Tensor where Element: LapackScalar {
  /// The mode-n product with a matrix, `Y = X xn A`.
  ///
  ///     Y(n) = A X(n),   or A^T X(n) with `transposed`
  ///
  /// **Shapes** mode `n` of this tensor has extent In; A is [J, In] ([In, J] with `transposed`); the result has J
  /// there.
  ///
  /// **Traps** where `mode` is not in `1...order` or the matrix does not fit.
  ///
  /// **Complexity** J x count multiplies as one GEMM for each index of the modes before `mode`; one allocation and
  /// no unfolding.
  ///
  /// **Source** Kolda and Bader 2009, section 2.5.
  public func modeProduct(_ matrix: Tensor, mode: Int, transposed: Bool = false) -> Tensor {
    precondition(mode >= 1 && mode <= shape.order, "mode \(mode) of a tensor of \(shape)")
    let axis = mode - 1
    let extent = shape[axis]
    precondition(
      matrix.shape.order == 2 && matrix.shape[transposed ? 0 : 1] == extent,
      "a matrix of \(matrix.shape) does not fit mode \(mode) of a tensor of \(shape)")
    let rows = matrix.shape[transposed ? 1 : 0]
    var extents = shape.extents
    extents[axis] = rows
    let outer = shape.extents[..<axis].reduce(1, *)
    let inner = shape.extents[(axis + 1)...].reduce(1, *)
    var result = Tensor(shape: Shape(extents))
    guard result.count > 0, extent > 0 else { return result }
    result.withMutableBuffer { target in
      matrix.withBuffer { matrix in
        self.withBuffer { source in
          guard let y = target.baseAddress, let a = matrix.baseAddress, let x = source.baseAddress else {
            return
          }
          if inner == 1 {
            // The last mode: Y = X A^T over all outer indices at once.
            gemm(
              transposeB: !transposed, m: outer, n: rows, k: extent, a: x, lda: extent, b: a,
              ldb: transposed ? rows : extent, c: y, ldc: rows)
            return
          }
          for i in 0..<outer {
            gemm(
              transposeA: transposed, m: rows, n: inner, k: extent, a: a, lda: transposed ? rows : extent,
              b: x + i * extent * inner, ldb: inner, c: y + i * rows * inner, ldc: inner)
          }
        }
      }
    }
    return result
  }
}
