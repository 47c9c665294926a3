import LinearAlgebra
import Tensors

/// Finds the ridge, as a part of the mean variance of x.
///
/// Where there are held-out data, the kernels of ranks T / 8, T / 4 and T / 2 fitted with each ridge are measured on them:
/// truncation is what the fit is for, and without it the ridge has nothing to do where y is K x. The ridges are walked down
/// from the default while the error falls, else up.
struct RidgeChoice {
  /// The ridges, in mean variances of x: the largest leave nearly the weights' norm alone.
  static let parts = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10]
  /// The one that is taken without held-out data.
  static let defaultPart = 1e-3

  let kernel: Tensor<Double>
  let moments: CentredMoments
  let heldOut: CentredMoments?

  /// The fit of the ridge chosen, and M.
  func run() throws(DecomposeError) -> (norm: Tensor<Double>, fit: RidgeFit) {
    try wrapping { () throws(LinearAlgebraError) in
      var covariance = moments.covariance()
      let variance = covariance.trace / Double(covariance.shape[0])
      // Where nothing varies any ridge leaves the weights' norm.
      let unit = variance > 0 ? variance : moments.meanSquare
      let start = Self.parts.firstIndex(of: Self.defaultPart) ?? 0
      var chosen = try fit(covariance, ridge: Self.parts[start] * unit)
      if let heldOut {
        var least = score(chosen, heldOut)
        for step in [-1, 1] {
          var place = start + step
          let former = least
          while Self.parts.indices.contains(place) {
            let next = try fit(covariance, ridge: Self.parts[place] * unit)
            let error = score(next, heldOut)
            guard error < least else { break }
            (chosen, least) = (next, error)
            place += step
          }
          if least < former { break }
        }
      }
      covariance.addDiagonal(chosen.ridge)
      return (covariance, chosen)
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
  private func score(_ fit: RidgeFit, _ heldOut: CentredMoments) -> Double {
    let outputs = kernel.shape[0]
    let product = moments.misfit == nil ? heldOut.kernelProduct : heldOut.product(fit.best)
    let responses = heldOut.misfit.map { heldOut.kernelProduct.plus($0, times: 1) } ?? heldOut.kernelProduct
    let cross = matrixProduct(responses, fit.best, transposeB: true)
    let change = matrixProduct(product, fit.best, transposeB: true)
      .plus(cross, times: -1).plus(cross.permuted([1, 0]), times: -1)
    let projected = matrixProduct(fit.directions, change)
    var errors = [heldOut.responseEnergy]
    for r in 0..<outputs {
      let gain = projected.row(r).innerProduct(fit.directions.row(r))
      errors.append(max(0, errors[r] + gain))
    }
    return [8, 4, 2].reduce(0) { $0 + errors[(outputs + $1 - 1) / $1].squareRoot() }
  }
}

extension Tensor where Element == Double {
  fileprivate func row(_ index: Int) -> Tensor { Tensor(view.sliced(axis: 0, index..<(index + 1))) }
}
