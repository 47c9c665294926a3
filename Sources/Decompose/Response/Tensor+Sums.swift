import LinearAlgebra
import Tensors

extension Tensor where Element == Double {
  /// The sum of the products of corresponding elements.
  func innerProduct(_ other: Tensor) -> Double {
    withSpan { a in
      other.withSpan { b in
        var sums = SIMD8<Double>()
        var i = 0
        while i + 8 <= a.count {
          let left = SIMD8(a[i], a[i + 1], a[i + 2], a[i + 3], a[i + 4], a[i + 5], a[i + 6], a[i + 7])
          let right = SIMD8(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7])
          sums += left * right
          i += 8
        }
        var sum = sums.sum()
        while i < a.count {
          sum += a[i] * b[i]
          i += 1
        }
        return sum
      }
    }
  }

  /// This tensor and another times a factor.
  func plus(_ other: Tensor, times factor: Double) -> Tensor {
    var result = self
    result.withMutableSpan { sums in
      other.withSpan { terms in
        for i in sums.indices { sums[i] += factor * terms[i] }
      }
    }
    return result
  }

  /// The product of a matrix [m, n] and one [n, k] that is held in Float, computed there: for steps of an iteration, whose
  /// results are measured in Double.
  ///
  /// **Accuracy** n epsilons of Float of the sum of the absolute products.
  func times(rounded other: Tensor<Float>) -> Tensor {
    matrixProduct(converted(to: Float.self), other).converted()
  }

  /// The product of a matrix [m, n] and a vector [n].
  func timesVector(_ vector: [Double]) -> [Double] {
    matrixProduct(self, Tensor(shape: [vector.count, 1], elements: vector)).elements
  }

  /// The sum of the diagonal of a square matrix.
  var trace: Double { (0..<shape[0]).reduce(0) { $0 + self[$1, $1] } }

  /// A square matrix with a number added to its diagonal.
  consuming func plusDiagonal(_ value: Double) -> Tensor {
    var result = consume self
    result.addDiagonal(value)
    return result
  }

  /// Adds a number to the diagonal of a square matrix.
  mutating func addDiagonal(_ value: Double) {
    let n = shape[0]
    withMutableSpan { matrix in
      for i in 0..<n { matrix[i * n + i] += value }
    }
  }

  /// The leading rows of a matrix.
  func leadingRows(_ count: Int) -> Tensor { Tensor(view.sliced(axis: 0, 0..<count)) }
}
