public import LinearAlgebra
public import Forms
public import Tensors

/// The spectrum of a kernel as a D x 1 convolution followed by a 1 x D one (mirrored: along the last axis first), and
/// its decompositions.
///
///     M[(s, i), (t, j)] = K[t, s, i, j];   the truncated SVD of M gives both stages
///
/// **Shapes** a kernel of [T, S, D1, D2]; ranks in 1...min(S D1, T D2), mirrored 1...min(S D2, T D1).
///
/// **Accuracy** the best approximation of its rank and orientation (Eckart and Young).
///
/// **Complexity** as `MatrixAnalysis` of a matrix with the extents above.
///
/// **Source** Jaderberg et al. arXiv 1405.3866 (scheme 2); Tai et al. arXiv 1511.06067 (closed form).
public struct SpatialAnalysis<Element: LapackScalar>: RankAnalysis {
  /// Whether the first stage runs along the last axis.
  public let mirrored: Bool
  private let matrix: MatrixAnalysis<Element>

  /// Analyses a kernel with two spatial axes in one orientation.
  ///
  /// **Throws** `DecomposeError`: another number of axes, no elements, numbers that are not finite.
  public init(_ kernel: Tensor<Element>, mirrored: Bool = false) throws(DecomposeError) {
    try kernel.requireKernel(form: "spatial")
    guard kernel.shape.order == 4 else {
      throw .unsuitableKernel(form: "spatial", kernel: kernel.shape, reason: "it needs two spatial axes")
    }
    self.mirrored = mirrored
    let (t, s, d1, d2) = (kernel.shape[0], kernel.shape[1], kernel.shape[2], kernel.shape[3])
    let (first, second) = mirrored ? (d2, d1) : (d1, d2)
    // Rows (t, the second stage's axis), columns (s, the first stage's axis).
    let unfolded = kernel.permuted(mirrored ? [0, 2, 1, 3] : [0, 3, 1, 2])
    matrix = try MatrixAnalysis(kernel, matrix: unfolded.reshaped([t * second, s * first]))
  }

  /// The kernel that was analysed.
  public var kernel: Tensor<Element> { matrix.kernel }
  /// The smaller extent of M.
  public var maximumRank: Int { matrix.maximumRank }
  /// The squared singular values of M, descending.
  public var energies: [Double] { matrix.energies }
  /// The same of the kernel times `spectrumScale`.
  public var spectrum: [Double] { matrix.spectrum }
  /// The power of two that brings the kernel to unit scale.
  public var spectrumScale: Double { matrix.spectrumScale }
  /// The squared Frobenius norm.
  public var totalEnergy: Double { matrix.totalEnergy }
  /// `spatial` with a rank, in this orientation.
  public func form(rank: Int) -> FactoredForm { .spatial(rank: rank, mirrored: mirrored) }
  /// The relative error of a rank: the root of the discarded energy.
  public func relativeError(rank: Int) -> Double { matrix.relativeError(rank: rank) }

  /// The two stages of a rank.
  ///
  /// **Throws** `DecomposeError` for a rank out of range.
  public func decomposition(rank: Int) throws(DecomposeError) -> Decomposition<Element> {
    try matrix.pairDecomposition(form(rank: rank))
  }
}

/// Factors a kernel into a convolution along one spatial axis and one along the other.
///
/// **Shapes** `kernel` [T, S, D1, D2]; `rank` in 1...min(S D1, T D2) (mirrored min(S D2, T D1)).
///
/// `mirrored` nil takes the orientation with the smaller error; where both are equal, the one with fewer weights.
///
/// **Throws** and **Accuracy** as `SpatialAnalysis`.
public func spatial<Element: LapackScalar>(
  _ kernel: Tensor<Element>, rank: Int, mirrored: Bool? = nil
) throws(DecomposeError) -> Decomposition<Element> {
  if let mirrored { return try SpatialAnalysis(kernel, mirrored: mirrored).decomposition(rank: rank) }
  return try better(
    try SpatialAnalysis(kernel), try SpatialAnalysis(kernel, mirrored: true), rank: rank)
}

/// The decomposition of the analysis with the smaller error (or fewer weights) at a rank, of those that allow it.
func better<Analysis: RankAnalysis>(
  _ first: Analysis, _ second: Analysis, rank: Int
) throws(DecomposeError) -> Decomposition<Analysis.Element> {
  let limit = max(first.maximumRank, second.maximumRank)
  try requireRank(rank, "rank", upTo: limit, kernel: first.kernel.shape)
  if rank > first.maximumRank { return try second.decomposition(rank: rank) }
  if rank > second.maximumRank { return try first.decomposition(rank: rank) }
  func key(_ analysis: Analysis) -> (Double, Int) {
    (
      analysis.relativeError(rank: rank),
      analysis.form(rank: rank).weightCount(kernel: analysis.kernel.shape)
    )
  }
  return try (key(second) < key(first) ? second : first).decomposition(rank: rank)
}
