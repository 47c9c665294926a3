import Tensors

/// What is kept of the sums that a kernel is fitted to: enough for the error of any other one.
struct FittedData: Sendable {
  /// `E (y - K x - d)(x - c)'`, [T, n]; nil for 0.
  let misfit: Tensor<Double>?
  /// `E |y - K x - d|²`.
  let misfitEnergy: Double
  /// `E |y - mean of y|²`.
  let responseEnergy: Double
  let heldOut: CentredMoments?
  /// The means, where a bias is fitted.
  let means: (patch: [Double], response: [Double])?

  init(_ moments: CentredMoments, heldOut: CentredMoments?, reference: ResponseMoments?) {
    (misfit, misfitEnergy) = (moments.misfit, moments.misfitEnergy)
    responseEnergy = moments.responseEnergy
    self.heldOut = heldOut
    means = reference.map { ($0.patchMean, $0.responseMean) }
  }

  /// `sqrt(error / energy)`; where the energy is 0, 0 if the error is too, else 1.
  func relative(_ error: Double, of energy: Double) -> Double {
    guard energy > 0 else { return error > 0 ? 1 : 0 }
    return (max(0, error) / energy).squareRoot()
  }
}
