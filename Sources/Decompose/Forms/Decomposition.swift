public import LinearAlgebra
public import Forms
public import Tensors

/// A factored kernel with the evidence of how near it is to the dense one.
public struct Decomposition<Element: Scalar>: Sendable {
  /// The factors.
  public let kernel: FactoredKernel<Element>
  /// `||K - reconstruction|| / ||K||` in the Frobenius norm, computed in Double from the factors as stored; 0 for a
  /// zero kernel.
  public let relativeError: Double
  /// What theory lets the relative error be at most, each energy a part of the whole:
  ///
  /// - `hosvd`, and Tucker-2 by `Tucker2Analysis`: the root of the energy that both modes leave out of the kernel.
  /// - `st-hosvd`: the root of what mode 1 leaves out of the kernel and mode 2 of the rest, which is the error itself.
  /// - `hooi` by itself: the error of its start, `convergence.errors[0]`, which no sweep raises.
  /// - A matrix, and the spatial and channel forms: the root of the sum of the squared singular values left out.
  /// - CP, randomised SVDs and fits to data, for which theory has none: `relativeError` again.
  ///
  /// Where rounding takes the error above that, or factors were changed by `mapFactors(of:_:)`, it is no less than
  /// `relativeError`.
  public let errorBound: Double
  /// How the iteration ended.
  public let convergence: ConvergenceReport
  /// What else there is to know about CP factors as they were found; nil for the other forms.
  public let certificate: CPCertificate?
  /// How near the layer's responses to data are; nil where none were fitted to.
  public let response: ResponseCertificate?

  init(
    kernel: FactoredKernel<Element>, relativeError: Double, errorBound: Double,
    convergence: ConvergenceReport, certificate: CPCertificate? = nil, response: ResponseCertificate? = nil
  ) {
    self.kernel = kernel
    self.relativeError = relativeError
    self.errorBound = errorBound
    self.convergence = convergence
    self.certificate = certificate
    self.response = response
  }

  /// The relative error in the norm that the factors were fitted in: the data's where there were any, else the weights'.
  public var fittedError: Double { response?.fittedError ?? relativeError }
}

/// How an iterative decomposition ended. Stopping at the limit is a result, not an error.
public struct ConvergenceReport: Hashable, Sendable {
  /// Sweeps over all modes; 0 for closed forms.
  public let sweeps: Int
  /// Whether the last sweep changed the error by less than the tolerance.
  public let converged: Bool
  /// The relative error before the first sweep and after each.
  public let errors: [Double]

  /// The report of a method that does not iterate.
  public static let closedForm = ConvergenceReport(sweeps: 0, converged: true, errors: [])
}

extension Decomposition where Element: LapackScalar {
  /// The same decomposition with its factors put through `transform`, e.g. rounded to the type they are stored in, and
  /// its error taken anew.
  ///
  /// **Shapes** `original` is the kernel that was factored.
  public func mapFactors(
    of original: Tensor<Element>, _ transform: (Tensor<Element>) -> Tensor<Element>
  ) -> Decomposition {
    let mapped = kernel.mapFactors(transform)
    let error = certifiedError(original, mapped)
    return Decomposition(
      kernel: mapped, relativeError: error, errorBound: max(errorBound, error), convergence: convergence)
  }
}

extension Decomposition where Element: LapackScalar {
  /// The decomposition itself, where its factors and its evidence are numbers.
  ///
  /// **Throws** `DecomposeError.outOfRange` for kernels whose numbers are so large, so small or so far apart that sums of
  /// their products leave the element type's range.
  func requireFinite() throws(DecomposeError) -> Decomposition {
    guard relativeError.isFinite, errorBound.isFinite, kernel.isFinite else {
      throw .outOfRange(kernel: kernel.kernelShape)
    }
    return self
  }
}

extension FactoredKernel where Element: LapackScalar {
  /// Whether every number of every factor is finite.
  var isFinite: Bool { parts.allSatisfy(\.isFinite) }
}
