import LinearAlgebra
import Tensors

/// Finds the ridge, as a part of the mean variance of x.
///
/// Where there are held-out data, the kernels of ranks T / 8, T / 4 and T / 2 fitted with each ridge are measured on them:
/// truncation is what the fit is for, and without it the ridge has nothing to do where y is K x. The ridges are walked down
/// from where the search starts while the error falls, else up.
struct RidgeChoice {
  /// The ridges, in mean variances of x: the largest leave nearly the weights' norm alone.
  static let parts = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10]
  /// The one that is taken without held-out data.
  static let defaultPart = 1e-3

  let kernel: Tensor<Double>
  let moments: CentredMoments
  let heldOut: CentredMoments?
  /// The part that the search starts at, one of `parts`.
  var start = defaultPart

  /// The fit of the ridge chosen, and M.
  func run() throws(DecomposeError) -> (part: Double, norm: Tensor<Double>, fit: RidgeFit) {
    try wrapping { () throws(LinearAlgebraError) in
      var covariance = moments.covariance()
      let variance = covariance.trace / Double(covariance.shape[0])
      // Where nothing varies any ridge leaves the weights' norm.
      let unit = variance > 0 ? variance : moments.meanSquare
      let start = Self.parts.firstIndex(of: start) ?? 0
      var (part, chosen) = (Self.parts[start], try fit(covariance, ridge: Self.parts[start] * unit))
      if let heldOut {
        var least = score(chosen, heldOut)
        for step in [-1, 1] {
          var place = start + step
          let former = least
          while Self.parts.indices.contains(place) {
            let next = try fit(covariance, ridge: Self.parts[place] * unit)
            let error = score(next, heldOut)
            guard error < least else { break }
            (part, chosen, least) = (Self.parts[place], next, error)
            place += step
          }
          if least < former { break }
        }
      }
      covariance.addDiagonal(chosen.ridge)
      return (part, covariance, chosen)
    }
  }

  private func fit(_ covariance: Tensor<Double>, ridge: Double) throws(LinearAlgebraError) -> RidgeFit {
    try RidgeFit(
      kernel: kernel, kernelProduct: moments.kernelProduct, covariance: covariance, misfit: moments.misfit,
      misfitEnergy: moments.misfitEnergy, ridge: ridge)
  }

  /// The sum of the truncated kernels' relative errors on the held-out data.
  ///
  ///     E |y - V V' W* x - b|² = E |y - d|² + sum over the rows v of  v (W* C W*' - W* Cyx' - Cyx W*') v'
  ///
  /// **Complexity** T n² / 2 multiplies where there is a misfit, else T² n.
  private func score(_ fit: RidgeFit, _ heldOut: CentredMoments) -> Double {
    let outputs = kernel.shape[0]
    let ranks = [8, 4, 2].map { (outputs + $0 - 1) / $0 }
    let directions = fit.directions.leadingRows(ranks[2])
    let rows = matrixProduct(directions, fit.best)
    let products =
      moments.misfit == nil ? matrixProduct(directions, heldOut.kernelProduct) : heldOut.product(rows)
    let responses = heldOut.misfit.map { heldOut.kernelProduct.plus($0, times: 1) } ?? heldOut.kernelProduct
    let gains = products.plus(matrixProduct(directions, responses), times: -2).rowProducts(rows)
    var errors = [heldOut.responseEnergy]
    for (r, gain) in gains.enumerated() { errors.append(max(0, errors[r] + gain)) }
    return ranks.reduce(0) { $0 + errors[$1].squareRoot() }
  }
}

extension Tensor where Element == Double {
  /// The inner product of each row with that of another matrix.
  fileprivate func rowProducts(_ other: Tensor) -> [Double] {
    let n = shape[1]
    return withSpan { a in
      other.withSpan { b in
        (0..<shape[0]).map { row in
          (row * n..<(row + 1) * n).reduce(0) { $0 + a[$1] * b[$1] }
        }
      }
    }
  }
}
