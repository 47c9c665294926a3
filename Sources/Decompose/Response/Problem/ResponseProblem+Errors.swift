public import Forms
import LinearAlgebra
public import Tensors

extension ResponseProblem {
  /// What a kernel W is worth on the data.
  ///
  /// **Shapes** as the problem's kernel. **Traps** for others.
  ///
  /// **Accuracy** from W - K, so that small errors lose no digits where y is K x.
  ///
  /// **Complexity** T n² multiplies, twice where there are held-out data.
  public func certificate(of kernel: Tensor<Double>) -> ResponseCertificate {
    precondition(
      kernel.shape == self.kernel.shape, "a kernel of \(kernel.shape) for data of \(self.kernel.shape)")
    return BLASLibrary.withThreads(1) {
      let plain = kernel.plus(self.kernel.converted(), times: -1).reshaped(rows.shape)
      let change = metric?.weighed(plain) ?? plain
      let error = error(change: change)
      return ResponseCertificate(
        relativeError: data.relative(error - ridge * change.innerProduct(change), of: data.responseEnergy),
        heldOutError: data.heldOut.map { data.relative($0.error(change: change), of: $0.responseEnergy) },
        fittedError: relativeError(error), biasShift: biasShift(change: change), ridge: ridge,
        positions: positions)
    }
  }

  /// What factors are worth on the data.
  public func certificate(of factors: FactoredKernel<Float>) -> ResponseCertificate {
    certificate(of: factors.converted(to: Double.self).reconstructed())
  }

  /// J of the kernel K + `change`, both in the metric's coordinates.
  func error(change: Tensor<Double>) -> Double {
    let cross = data.misfit.map { change.innerProduct($0) } ?? 0
    return max(0, data.misfitEnergy - 2 * cross + change.innerProduct(matrixProduct(change, norm)))
  }

  /// The mean of y less W times the mean of x.
  private func biasShift(change: Tensor<Double>) -> [Double] {
    guard let means = data.means else { return [] }
    let given = rows.plus(change, times: 1).timesVector(means.patch)
    let shift = zip(means.response, given).map { $0 - $1 }
    return metric?.restored(Tensor(shape: [shift.count, 1], elements: shift)).elements ?? shift
  }

  /// Factors found in the metric's coordinates, taken back from there, with all that is known of them.
  ///
  /// **Throws** `DecomposeError.outOfRange` where they, or their errors, are no numbers.
  func certified(
    _ factors: FactoredKernel<Float>, convergence: ConvergenceReport
  ) throws(DecomposeError) -> Decomposition<Float> {
    try evaluated(metric?.restored(factors) ?? factors, convergence: convergence)
  }

  /// Factors of the problem's kernel with all that is known of them.
  ///
  /// **Throws** `DecomposeError.outOfRange` where they, or their errors, are no numbers.
  func evaluated(
    _ factors: FactoredKernel<Float>, convergence: ConvergenceReport
  ) throws(DecomposeError) -> Decomposition<Float> {
    try decomposition(factors, convergence: convergence).requireFinite()
  }

  /// A decomposition with its factors put through `transform`, and all its errors taken anew.
  func mapped(
    _ original: Decomposition<Float>, _ transform: (Tensor<Float>) -> Tensor<Float>
  ) -> Decomposition<Float> {
    decomposition(original.kernel.mapFactors(transform), convergence: original.convergence)
  }

  private func decomposition(
    _ factors: FactoredKernel<Float>, convergence: ConvergenceReport
  ) -> Decomposition<Float> {
    let error = certifiedError(kernel, factors)
    return Decomposition(
      kernel: factors, relativeError: error, errorBound: error, convergence: convergence,
      response: certificate(of: factors))
  }
}
