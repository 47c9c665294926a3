public import Forms
public import Tensors

/// A kernel in CP form with the evidence of how near it is and how stable.
public struct CPDecomposition<Element: Scalar>: Sendable {
  /// The factors, every component's norm shared evenly over its modes.
  public let kernel: FactoredKernel<Element>
  /// How near the factors are, and how well they are determined.
  public let certificate: CPCertificate
  /// How the iterations ended.
  public let convergence: ConvergenceReport

  /// The factors with their error, as every form has it. CP has no bound beside the error itself.
  public var decomposition: Decomposition<Element> {
    Decomposition(
      kernel: kernel, relativeError: certificate.relativeError, errorBound: certificate.relativeError,
      convergence: convergence, certificate: certificate)
  }
}

/// What there is to know about CP factors before they are trusted.
///
/// A best CP of a rank need not exist: terms may grow without limit while they cancel each other, and factors that do
/// so are useless in low precision and cannot be retrained. These numbers show it.
public struct CPCertificate: Hashable, Sendable {
  /// `||K - reconstruction|| / ||K||` in the Frobenius norm, of the factors as stored.
  public let relativeError: Double
  /// The expected squared change of the reconstruction for independent errors of variance 1 in every number of the
  /// factors, to first order:
  ///
  ///     sum over modes n, components r of  In  product over m != n of ||mode_m[r]||²
  ///
  /// **Source** Phan et al. arXiv 2008.05441, section 3; Tichavsky, Phan, Cichocki 2019.
  public let sensitivity: Double
  /// The norm of the largest rank-one term, in norms of the kernel. Orthogonal terms stay under 1; far above it the
  /// terms cancel.
  public let largestComponentNorm: Double
  /// The largest condition number, over the modes, of the Khatri-Rao product of the other modes with columns of length
  /// 1: how much an error in the kernel grows in the factor of that mode. Infinite where the terms are dependent.
  public let factorCondition: Double
}
