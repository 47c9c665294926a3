import LinearAlgebra
import Tensors

extension CPModel {
  /// What there is to know about the factors of a kernel beside their error.
  func certificate<Number: LapackScalar>(
    of kernel: Tensor<Number>, relativeError: Double
  ) throws(LinearAlgebraError) -> CPCertificate {
    let norm = kernel.frobeniusNorm
    return CPCertificate(
      relativeError: relativeError, sensitivity: sensitivity,
      largestComponentNorm: norm > 0 ? (componentNorms.max() ?? 0) / norm : 0,
      factorCondition: try factorCondition())
  }

  /// The sensitivity of the factors to errors in them; see `CPCertificate.sensitivity`.
  var sensitivity: Double {
    let norms = modes.map(\.rowNorms)
    return modes.indices.reduce(0) { total, mode in
      let others = modes.indices.filter { $0 != mode }
      let sum = (0..<rank).reduce(0.0) { sum, r in
        sum + others.reduce(1) { $0 * norms[$1][r] * norms[$1][r] }
      }
      return total + Double(modes[mode].shape[1]) * sum
    }
  }

  /// The worst condition number of the Khatri-Rao products of normalised factors; 1 for a single component.
  func factorCondition() throws(LinearAlgebraError) -> Double {
    var correlations: [Tensor<Double>] = []
    for mode in modes {
      var rows = mode.converted(to: Double.self)
      scaleRows(&rows, by: rows.rowNorms.map { $0 > 0 ? 1 / $0 : 0 })
      correlations.append(rows.matrixTimesTranspose())
    }
    var worst = 1.0
    for mode in modes.indices {
      var product = Tensor<Double>(shape: [rank, rank], repeating: 1)
      for other in modes.indices where other != mode { product = product.hadamard(correlations[other]) }
      let values = try product.symmetricEigenvalues()
      guard let largest = values.first, let smallest = values.last, largest > 0 else { return .infinity }
      // A component of norm 0 or a dependent one: rounding may leave its eigenvalue on either side of 0.
      let floor = Double(rank) * Double.ulpOfOne * largest
      worst = max(worst, smallest > floor ? (largest / smallest).squareRoot() : .infinity)
    }
    return worst
  }
}

extension Tensor {
  /// The products of corresponding elements.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  fileprivate func hadamard(_ other: Tensor) -> Tensor {
    var result = self
    result.withMutableSpan { a in
      other.withSpan { b in
        for i in a.indices { a[i] *= b[i] }
      }
    }
    return result
  }
}

extension Tensor where Element: LapackScalar {
  /// The root of the sum of the squares, where the squares themselves may leave the range.
  fileprivate var frobeniusNorm: Double {
    let (tensor, scale) = atUnitScale()
    return tensor.squaredNorm.squareRoot() / Double(scale)
  }
}
