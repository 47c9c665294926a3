public import Forms
public import LinearAlgebra
public import Tensors

/// The spectrum of a kernel as two convolutions run one after the other, and its decompositions: the `spatial` and
/// `channel` forms in both orientations.
///
///     M[(t, taps of the second stage), (s, taps of the first stage)] = K[t, s, taps];
///     the truncated SVD of M gives both stages
///
/// A spatial form's stages share the taps out, one axis each; of a channel form's, one has all of them and the other none.
///
/// **Shapes** a kernel of [T, S, D...], for the spatial forms [T, S, D1, D2]; ranks in
///
///     spatial 1...min(S D1, T D2), mirrored 1...min(S D2, T D1)
///     channel 1...min(T, S D),     mirrored 1...min(S, T D)
///
/// **Accuracy** the best approximation of its rank and kind (Eckart and Young).
///
/// **Complexity** as `MatrixAnalysis` of a matrix with the extents above.
///
/// **Source** spatial: Jaderberg et al. arXiv 1405.3866 (scheme 2), Tai et al. arXiv 1511.06067 (closed form); channel:
/// Zhang et al. arXiv 1505.06798, section 3.1, Denton et al. arXiv 1404.0736.
public struct PairAnalysis<Element: LapackScalar>: RankAnalysis {
  /// The kind of form.
  public let kind: FormKind
  private let matrix: MatrixAnalysis<Element>

  /// Analyses a kernel for one kind of form.
  ///
  /// **Throws** `DecomposeError`: a number of axes that the kind is not for, no elements, numbers that are not finite.
  ///
  /// **Traps** for a kind of other parts than two convolutions.
  public init(_ kernel: Tensor<Element>, kind: FormKind) throws(DecomposeError) {
    precondition(StagePair<Element>.isPair(kind), "\(kind) is not a pair of convolutions")
    try kernel.requireKernel(form: kind.family)
    guard kind.domain.spatialAxes.contains(kernel.shape.order - 2) else {
      throw .unsuitableKernel(
        form: kind.family, kernel: kernel.shape, reason: "it needs \(kind.domain.requirement)")
    }
    self.kind = kind
    let (outputs, inputs) = (kernel.shape[0], kernel.shape[1])
    let taps = FactoredForm(kind, ranks: [1]).stages(kernel: kernel.shape).map { $0.kernel.reduce(1, *) }
    let (first, second) = (taps[0], taps[1])
    // The kernel's taps in row-major order: those of the first stage come before those of the second one, or behind.
    let unfolded =
      kind.stages[0].axes == .axis(0)
      ? kernel.reshaped([outputs, inputs, first, second]).permuted([0, 3, 1, 2])
      : second == 1 ? kernel : kernel.reshaped([outputs, inputs, second, first]).permuted([0, 2, 1, 3])
    matrix = try MatrixAnalysis(kernel, matrix: unfolded.reshaped([outputs * second, inputs * first]))
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
  /// The kind with a rank.
  public func form(rank: Int) -> FactoredForm { FactoredForm(kind, ranks: [rank]) }
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
/// **Throws** and **Accuracy** as `PairAnalysis`.
public func spatial<Element: LapackScalar>(
  _ kernel: Tensor<Element>, rank: Int, mirrored: Bool? = nil
) throws(DecomposeError) -> Decomposition<Element> {
  try pair(kernel, .spatial, mirrored: .spatialMirrored, rank: rank, isMirrored: mirrored)
}

/// Factors a kernel into a D x D convolution to R channels and a 1x1 convolution, or the mirror image.
///
/// **Shapes** `kernel` [T, S, D...]; `rank` in 1...min(T, S D), mirrored 1...min(S, T D).
///
/// `mirrored` nil takes the orientation with the smaller error; where both are equal, the one with fewer weights.
///
/// **Throws** and **Accuracy** as `PairAnalysis`.
public func channel<Element: LapackScalar>(
  _ kernel: Tensor<Element>, rank: Int, mirrored: Bool? = nil
) throws(DecomposeError) -> Decomposition<Element> {
  try pair(kernel, .channel, mirrored: .channelMirrored, rank: rank, isMirrored: mirrored)
}

/// The decomposition of a rank in one orientation; with `isMirrored` nil in the one with the smaller error (or fewer
/// weights), of those that allow the rank.
private func pair<Element: LapackScalar>(
  _ kernel: Tensor<Element>, _ kind: FormKind, mirrored: FormKind, rank: Int, isMirrored: Bool?
) throws(DecomposeError) -> Decomposition<Element> {
  if let isMirrored {
    return try PairAnalysis(kernel, kind: isMirrored ? mirrored : kind).decomposition(rank: rank)
  }
  let (first, second) = (try PairAnalysis(kernel, kind: kind), try PairAnalysis(kernel, kind: mirrored))
  let limit = max(first.maximumRank, second.maximumRank)
  try requireRank(rank, "rank", upTo: limit, kernel: kernel.shape)
  if rank > first.maximumRank { return try second.decomposition(rank: rank) }
  if rank > second.maximumRank { return try first.decomposition(rank: rank) }
  func key(_ analysis: PairAnalysis<Element>) -> (Double, Int) {
    (analysis.relativeError(rank: rank), analysis.form(rank: rank).weightCount(kernel: kernel.shape))
  }
  return try (key(second) < key(first) ? second : first).decomposition(rank: rank)
}
