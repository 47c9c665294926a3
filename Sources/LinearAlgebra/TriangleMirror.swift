package import Tensors

/// Copies the upper triangle of a row-major matrix into the lower one.
///
/// **Shapes** `matrix` [n, n]. **Complexity** n² / 2 copies, in blocks, so that the columns being read stay in the cache.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
package func mirrorUpperTriangle<Element: Scalar>(_ matrix: UnsafeMutablePointer<Element>, order n: Int) {
  for i0 in stride(from: 0, to: n, by: 16) {
    for j0 in stride(from: 0, through: i0, by: 16) {
      for i in i0..<min(n, i0 + 16) {
        for j in j0..<max(j0, min(i, j0 + 16)) { matrix[i * n + j] = matrix[j * n + i] }
      }
    }
  }
}
