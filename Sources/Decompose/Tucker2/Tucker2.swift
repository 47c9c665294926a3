public import LinearAlgebra
import Forms
public import Tensors

/// How the factor matrices of a Tucker-2 decomposition are found.
public enum Tucker2Algorithm: String, Sendable, CaseIterable {
  /// The leading singular vectors of each unfolding (De Lathauwer et al. 2000).
  case hosvd
  /// The same, the second mode on what the first left over: cheaper and usually nearer (Vannieuwenhoven et al.
  /// 2012).
  case stHOSVD = "st-hosvd"
  /// Higher-order orthogonal iteration: sweeps that start near the latter and never raise the error.
  case hooi
}

/// Factors a kernel into Tucker-2 form, `K ~ core x1 mode1 x2 mode2`.
///
/// **Shapes** `kernel` [T, S, D...] with any number of spatial axes (none, for a matrix); `outputRank` in 1...T,
/// `inputRank` in 1...S.
///
/// **Throws** `DecomposeError`: a rank out of range, a kernel without elements or with numbers that are not finite,
/// LAPACK without convergence.
///
/// **Accuracy** `hosvd` and `st-hosvd` are within a factor sqrt(2) of the best Tucker-2 of these ranks, to the root of
/// Double's epsilon, which is what Gram matrices tell from zero; `errorBound` is the root of the energy that both modes leave
/// out, for `st-hosvd` of what mode 1 leaves out and mode 2 of the rest, which is the error itself. `hooi` starts from
/// the ST-HOSVD where no extent is above 32, and from what a sketch and two orthogonal iterations find of it elsewhere:
/// there the factor is one to their convergence, no promise; `errorBound` is the error of that start, which no sweep
/// raises. `relativeError` is the error itself. Factor matrices are orthonormal to a few epsilon. BLAS runs on one thread,
/// so that the factors depend on the kernel alone.
///
/// **Complexity** `hosvd` and `st-hosvd`: two Gram matrices in Double, (T + S) T S D / 2 multiplies, and two leading
/// eigenproblems. `hooi`: see `HigherOrderOrthogonalIteration`.
///
/// **Source** Kim et al. arXiv 1511.06530, section 3; Kolda and Bader 2009, section 4.
public func tucker2<Element: LapackScalar>(
  _ kernel: Tensor<Element>, outputRank: Int, inputRank: Int, algorithm: Tucker2Algorithm = .hooi
) throws(DecomposeError) -> Decomposition<Element> {
  try kernel.requireKernel(form: "Tucker-2")
  try requireRank(outputRank, "output rank", upTo: kernel.shape[0], kernel: kernel.shape)
  try requireRank(inputRank, "input rank", upTo: kernel.shape[1], kernel: kernel.shape)
  return try reproducibly { () throws(DecomposeError) in
    if algorithm == .hooi {
      return try HigherOrderOrthogonalIteration(outputRank: outputRank, inputRank: inputRank).run(kernel)
    }
    return try truncatedHOSVD(kernel, outputRank, inputRank, sequentially: algorithm == .stHOSVD)
  }
}

/// The closed forms, at unit scale.
private func truncatedHOSVD<Element: LapackScalar>(
  _ kernel: Tensor<Element>, _ outputRank: Int, _ inputRank: Int, sequentially: Bool
) throws(DecomposeError) -> Decomposition<Element> {
  let (tensor, scale) = kernel.atUnitScale()
  let (rows1, discarded1) = try leadingRows(tensor, mode: 1, outputRank)
  var rest = tensor
  if sequentially {
    var extents = kernel.shape.extents
    extents[0] = outputRank
    rest = matrixProduct(rows1, tensor.unfolded(mode: 1)).reshaped(Shape(extents))
  }
  let (rows2, discarded2) = try leadingRows(rest, mode: 2, inputRank)
  let result = FactoredKernel.tucker2(
    projectedTucker2(tensor, rows1: rows1, rows2: rows2, unit: 1 / scale))
  let error = certifiedError(kernel, result)
  let total = tensor.squaredNorm
  // De Lathauwer et al. 2000, property 10; for ST-HOSVD Vannieuwenhoven et al. 2012.
  let bound = total > 0 ? ((discarded1 + discarded2) / total).squareRoot() : 0
  return try Decomposition(
    kernel: result, relativeError: error, errorBound: max(bound, error), convergence: .closedForm
  ).requireFinite()
}

/// The leading left singular vectors of an unfolding as rows, [rank, In], from its Gram matrix in Double, and the
/// energy that they leave out.
private func leadingRows<Element: LapackScalar>(
  _ tensor: Tensor<Element>, mode: Int, _ rank: Int
) throws(DecomposeError) -> (rows: Tensor<Element>, discarded: Double) {
  let gram = tensor.gramMatrix(mode: mode)
  let eigen = try wrapping { () throws(LinearAlgebraError) in
    try gram.symmetricEigendecomposition(leading: rank)
  }
  let extent = gram.shape[0]
  let trace = (0..<extent).reduce(0) { $0 + gram[$1, $1] }
  let rows = eigen.vectors.permuted([1, 0]).converted(to: Element.self)
  return (rows, max(0, trace - eigen.values.reduce(0, +)))
}
