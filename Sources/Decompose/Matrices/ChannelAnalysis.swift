public import LinearAlgebra
public import Forms
public import Tensors

/// The spectrum of a kernel as a D x D convolution to R channels followed by a 1x1 (mirrored: the 1x1 first), and its
/// decompositions: Tucker on one mode.
///
///     K(1) ~ mode1 (mode1^T K(1)),   mirrored K(2) ~ mode2 (mode2^T K(2))
///
/// **Shapes** a kernel of [T, S, D...]; ranks in 1...min(T, S D), mirrored 1...min(S, T D).
///
/// **Accuracy** the best approximation of its rank and orientation (Eckart and Young).
///
/// **Complexity** as `MatrixAnalysis` of an unfolding.
///
/// **Source** Zhang et al. arXiv 1505.06798, section 3.1; Denton et al. arXiv 1404.0736.
public struct ChannelAnalysis<Element: LapackScalar>: RankAnalysis {
  /// Whether the 1x1 convolution comes first.
  public let mirrored: Bool
  private let matrix: MatrixAnalysis<Element>

  /// Analyses a kernel in one orientation.
  ///
  /// **Throws** `DecomposeError`: too few axes, no elements, numbers that are not finite.
  public init(_ kernel: Tensor<Element>, mirrored: Bool = false) throws(DecomposeError) {
    try kernel.requireKernel(form: "channel")
    self.mirrored = mirrored
    let (t, s) = (kernel.shape[0], kernel.shape[1])
    let taps = kernel.count / (t * s)
    let unfolded =
      mirrored
      ? kernel.reshaped([t, s, taps]).permuted([0, 2, 1]).reshaped([t * taps, s])
      : kernel.reshaped([t, s * taps])
    matrix = try MatrixAnalysis(kernel, matrix: unfolded)
  }

  /// The kernel that was analysed.
  public var kernel: Tensor<Element> { matrix.kernel }
  /// The smaller extent of the unfolding.
  public var maximumRank: Int { matrix.maximumRank }
  /// The squared singular values of the unfolding, descending.
  public var energies: [Double] { matrix.energies }
  /// The same of the kernel times `spectrumScale`.
  public var spectrum: [Double] { matrix.spectrum }
  /// The power of two that brings the kernel to unit scale.
  public var spectrumScale: Double { matrix.spectrumScale }
  /// The squared Frobenius norm.
  public var totalEnergy: Double { matrix.totalEnergy }
  /// `channel` with a rank, in this orientation.
  public func form(rank: Int) -> FactoredForm { .channel(rank: rank, mirrored: mirrored) }
  /// The relative error of a rank: the root of the discarded energy.
  public func relativeError(rank: Int) -> Double { matrix.relativeError(rank: rank) }

  /// The two stages of a rank.
  ///
  /// **Throws** `DecomposeError` for a rank out of range.
  public func decomposition(rank: Int) throws(DecomposeError) -> Decomposition<Element> {
    try matrix.pairDecomposition(form(rank: rank))
  }
}

/// Factors a kernel into a D x D convolution to R channels and a 1x1 convolution, or the mirror image.
///
/// **Shapes** `kernel` [T, S, D...]; `rank` in 1...min(T, S D), mirrored 1...min(S, T D).
///
/// `mirrored` nil takes the orientation with the smaller error; where both are equal, the one with fewer weights.
///
/// **Throws** and **Accuracy** as `ChannelAnalysis`.
public func channel<Element: LapackScalar>(
  _ kernel: Tensor<Element>, rank: Int, mirrored: Bool? = nil
) throws(DecomposeError) -> Decomposition<Element> {
  if let mirrored { return try ChannelAnalysis(kernel, mirrored: mirrored).decomposition(rank: rank) }
  return try better(
    try ChannelAnalysis(kernel), try ChannelAnalysis(kernel, mirrored: true), rank: rank)
}
