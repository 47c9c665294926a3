public import LinearAlgebra
public import TensorCore

/// How the factor matrices of a Tucker-2 decomposition are found.
public enum Tucker2Algorithm: String, Sendable, CaseIterable {
  /// The leading singular vectors of each unfolding (De Lathauwer et al. 2000).
  case hosvd
  /// The same, the second mode on what the first left over: cheaper and usually nearer (Vannieuwenhoven et al.
  /// 2012).
  case stHOSVD = "st-hosvd"
  /// Higher-order orthogonal iteration: sweeps that start there and never raise the error.
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
/// **Accuracy** within a factor sqrt(2) of the best Tucker-2 of these ranks; `errorBound` is the HOSVD bound (for
/// `hooi` the error of its ST-HOSVD start, which no sweep raises) and `relativeError` the error itself. Factor
/// matrices are orthonormal to a few epsilon.
///
/// **Complexity** `hosvd` and `st-hosvd`: two Gram matrices in Double, (T + S) T S D / 2 multiplies, and two leading
/// eigenproblems. `hooi`: see `Tucker2+HOOI.swift`.
///
/// **Source** Kim et al. arXiv 1511.06530, section 3; Kolda and Bader 2009, section 4.
public func tucker2<Element: LapackScalar>(
  _ kernel: Tensor<Element>, outputRank: Int, inputRank: Int, algorithm: Tucker2Algorithm = .hooi
) throws(DecomposeError) -> Decomposition<Element> {
  try kernel.requireKernel(form: "Tucker-2")
  try requireRank(outputRank, "output rank", upTo: kernel.shape[0], kernel: kernel.shape)
  try requireRank(inputRank, "input rank", upTo: kernel.shape[1], kernel: kernel.shape)
  switch algorithm {
  case .hosvd:
    let (rows1, discarded1) = try leadingRows(kernel, mode: 1, outputRank)
    let (rows2, discarded2) = try leadingRows(kernel, mode: 2, inputRank)
    return try closedForm(kernel, rows1, rows2, discarded: discarded1 + discarded2)
  case .stHOSVD:
    let (rows1, discarded1) = try leadingRows(kernel, mode: 1, outputRank)
    var extents = kernel.shape.extents
    extents[0] = outputRank
    let rest = matrixProduct(rows1, kernel.unfolded(mode: 1)).reshaped(Shape(extents))
    let (rows2, discarded2) = try leadingRows(rest, mode: 2, inputRank)
    return try closedForm(kernel, rows1, rows2, discarded: discarded1 + discarded2)
  case .hooi:
    return try higherOrderOrthogonalIteration(kernel, outputRank: outputRank, inputRank: inputRank)
  }
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

/// **Source** of the bound: De Lathauwer et al. 2000, property 10; for ST-HOSVD Vannieuwenhoven et al. 2012.
private func closedForm<Element: LapackScalar>(
  _ kernel: Tensor<Element>, _ rows1: Tensor<Element>, _ rows2: Tensor<Element>, discarded: Double
) throws(DecomposeError) -> Decomposition<Element> {
  let factors = FactoredKernel.tucker2(projectedTucker2(kernel, rows1: rows1, rows2: rows2))
  let error = certifiedError(kernel, factors)
  let total = kernel.squaredNorm
  let bound = total > 0 ? (discarded / total).squareRoot() : 0
  return try Decomposition(
    kernel: factors, relativeError: error, errorBound: max(bound, error), convergence: .closedForm
  ).requireFinite()
}
