public import LinearAlgebra
public import TensorCore

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
/// **Complexity** one thin SVD of a T x S matrix. **Source** LAPACK `gesdd`.
public func truncatedSVD<Element: LapackScalar>(
  _ kernel: Tensor<Element>, rank: Int
) throws(DecomposeError) -> Decomposition<Element> {
  let matrix = try kernel.asMatrix()
  try requireRank(rank, "rank", upTo: min(matrix.shape[0], matrix.shape[1]), kernel: kernel.shape)
  let svd = try wrapping { () throws(LinearAlgebraError) in try matrix.singularValueDecomposition() }
  return truncate(svd, rank: rank, kernel: kernel)
}

/// Keeps the leading part of a singular value decomposition that is already there.
func truncate<Element: LapackScalar>(
  _ svd: SingularValueDecomposition<Element>, rank: Int, kernel: Tensor<Element>
) -> Decomposition<Element> {
  let roots = svd.values.prefix(rank).map { $0.squareRoot() }
  let left = Tensor(svd.left.view.sliced(axis: 1, 0..<rank)).scaled { roots[$0 % rank] }
  let inputs = svd.rightTransposed.shape[1]
  let right = Tensor(svd.rightTransposed.view.sliced(axis: 0, 0..<rank)).scaled { roots[$0 / inputs] }
  let factors = MatrixFactors(left: left, right: right, kernelShape: kernel.shape)
  let total = kernel.squaredNorm
  let tail = svd.values.dropFirst(rank).reduce(0) { $0 + Double($1) * Double($1) }
  let relative = certifiedError(kernel, .svd(factors))
  let bound = total > 0 ? (tail / total).squareRoot() : 0
  return Decomposition(
    kernel: .svd(factors), relativeError: relative, errorBound: max(bound, relative), convergence: .closedForm
  )
}

/// `||a - b|| / ||a||` in Double; 0 where a is zero.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func relativeDifference<Element: Scalar>(_ a: Tensor<Element>, _ b: Tensor<Element>) -> Double {
  var (difference, total) = (0.0, 0.0)
  a.withSpan { a in
    b.withSpan { b in
      for i in a.indices {
        let (x, y) = (Double(a[i]), Double(b[i]))
        difference += (x - y) * (x - y)
        total += x * x
      }
    }
  }
  return total > 0 ? (difference / total).squareRoot() : 0
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

  /// Each element times a factor that depends on its place.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  fileprivate func scaled(by factor: (Int) -> Element) -> Tensor {
    var result = self
    result.withMutableSpan { span in
      for i in span.indices { span[i] *= factor(i) }
    }
    return result
  }
}
