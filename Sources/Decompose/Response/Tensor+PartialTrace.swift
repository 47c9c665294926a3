import LinearAlgebra
import Tensors

extension Tensor where Element == Double {
  /// The partial trace of a matrix over [outer, extent, inner]: summed over the equal outer and inner indices of both sides.
  ///
  ///     C[e, f] = sum over o, i of  M[(o, e, i), (o, f, i)]
  ///
  /// **Shapes** this matrix is [n, n] with n = outer extent inner; the result [extent, extent].
  func partialTrace(outer: Int, extent: Int, inner: Int) -> Tensor {
    let n = outer * extent * inner
    precondition(shape == [n, n], "a partial trace over \(outer)x\(extent)x\(inner) of a matrix of \(shape)")
    return withSpan { matrix in
      Tensor(shape: [extent, extent]) { sums in
        for e in 0..<extent {
          for f in 0..<extent {
            var sum = 0.0
            for o in 0..<outer {
              let (row, column) = ((o * extent + e) * inner, (o * extent + f) * inner)
              for i in 0..<inner { sum += matrix[(row + i) * n + column + i] }
            }
            sums[e * extent + f] = sum
          }
        }
      }
    }
  }
}
