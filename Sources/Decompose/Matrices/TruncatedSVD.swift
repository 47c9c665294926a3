public import LinearAlgebra
public import Tensors

/// Factors a matrix or a 1x1 kernel into two thin matrices by its truncated singular value decomposition.
///
///     W ~ left right,   left = U sqrt(s),   right = sqrt(s) V^T
///
/// The singular values are shared evenly, so that both factors have the same scale in half precision.
///
/// **Shapes** `kernel` [T, S] or [T, S, 1...]; `rank` in 1...min(T, S); `left` [T, rank], `right` [rank, S].
///
/// **Throws** `DecomposeError`: a rank out of range, spatial extents other than 1, numbers that are not finite.
///
/// **Accuracy** the best approximation of its rank (Eckart and Young 1936); `errorBound` is the root of the discarded
/// squared singular values, `relativeError` the error of the factors as stored.
///
/// **Complexity** and **Source** as `MatrixAnalysis`.
public func truncatedSVD<Element: LapackScalar>(
  _ kernel: Tensor<Element>, rank: Int
) throws(DecomposeError) -> Decomposition<Element> {
  try MatrixAnalysis(kernel).decomposition(rank: rank)
}

/// `||a - b|| / ||a||` in Double; 0 where a is zero.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func relativeDifference<Element: Scalar>(_ a: Tensor<Element>, _ b: Tensor<Element>) -> Double {
  let scale = Double(a.unitScale)
  // Four running sums of each let the compiler use vector registers without reordering one sum.
  var (difference, total) = (SIMD4<Double>(), SIMD4<Double>())
  a.withSpan { a in
    b.withSpan { b in
      var i = 0
      while i + 4 <= a.count {
        let x = scale * SIMD4(Double(a[i]), Double(a[i + 1]), Double(a[i + 2]), Double(a[i + 3]))
        let y = scale * SIMD4(Double(b[i]), Double(b[i + 1]), Double(b[i + 2]), Double(b[i + 3]))
        difference += (x - y) * (x - y)
        total += x * x
        i += 4
      }
      while i < a.count {
        let (x, y) = (scale * Double(a[i]), scale * Double(b[i]))
        difference[0] += (x - y) * (x - y)
        total[0] += x * x
        i += 1
      }
    }
  }
  return total.sum() > 0 ? (difference.sum() / total.sum()).squareRoot() : 0
}

extension Tensor where Element: LapackScalar {
  /// A 1x1 kernel as its matrix [T, S].
  func asMatrix() throws(DecomposeError) -> Tensor {
    try requireKernel(form: "svd")
    guard shape.extents.dropFirst(2).allSatisfy({ $0 == 1 }) else {
      throw .unsuitableKernel(form: "svd", kernel: shape, reason: "its spatial extents are not 1")
    }
    return reshaped([shape[0], shape[1]])
  }
}
