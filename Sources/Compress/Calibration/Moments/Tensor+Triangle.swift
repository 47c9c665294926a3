import LinearAlgebra
import Tensors

/// The numbers of the upper triangle of a square matrix.
func triangleCount(order n: Int) -> Int { n * (n + 1) / 2 }

extension Tensor where Element == Double {
  /// The upper triangle of a square matrix, by rows.
  var upperTriangle: [Double] {
    let (n, elements) = (shape[0], elements)
    var triangle: [Double] = []
    triangle.reserveCapacity(triangleCount(order: n))
    for row in 0..<n { triangle += elements[(row * n + row)..<((row + 1) * n)] }
    return triangle
  }

  /// The symmetric matrix of an upper triangle by rows.
  init(upperTriangle triangle: [Double], order n: Int) {
    precondition(
      triangle.count == triangleCount(order: n), "\(triangle.count) numbers for a triangle of order \(n)")
    self.init(shape: [n, n]) { matrix in
      var place = 0
      for row in 0..<n {
        for column in row..<n {
          matrix[row * n + column] = triangle[place]
          place += 1
        }
      }
    }
    GramSums.mirror(&self)
  }
}
