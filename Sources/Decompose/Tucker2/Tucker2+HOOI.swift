import LinearAlgebra
import TensorCore

/// Higher-order orthogonal iteration for two modes.
///
/// Starts from the sequentially truncated HOSVD. Each update then projects the whole tensor by one factor and improves
/// the other by orthogonal iterations with Rayleigh-Ritz on the projection's Gram matrix, from the factor as it is. The
/// basis has some more rows than the rank, so that the leading ones converge quickly and the next update begins near.
/// The captured energy never falls, so neither does the error ever rise.
///
/// The subspaces are searched in the kernel's own precision: a direction that Float cannot tell from its neighbours
/// holds no energy to speak of, and the certificate measures what came out.
///
/// **Complexity** T² S D / 2 multiplies for the first Gram matrix; an update of mode 1 T S D R2 + T² D R2 / 2, of mode 2
/// T S D R1 + S² D R1 / 2, each with about 2 n² P + 4 P³ for the basis of P rows; three to five updates as a rule.
///
/// **Source** De Lathauwer, De Moor, Vandewalle 2000 (HOOI); Vannieuwenhoven et al. 2012 (the start); Halko, Martinsson,
/// Tropp 2011 (oversampling); Rutishauser 1970 (orthogonal iteration with Ritz acceleration).
func higherOrderOrthogonalIteration<Element: LapackScalar>(
  _ kernel: Tensor<Element>, outputRank: Int, inputRank: Int
) throws(DecomposeError) -> Decomposition<Element> {
  try iterate(kernel) { (tensor) throws(LinearAlgebraError) in
    try HOOIState(tensor, outputRank: outputRank, inputRank: inputRank)
  }
}

/// Sweeps from the leading directions of both modes, ordered by energy, which are already there.
func iterate<Element: LapackScalar>(
  _ kernel: Tensor<Element>, rows1: Tensor<Element>, rows2: Tensor<Element>, outputRank: Int, inputRank: Int,
  bound: Double
) throws(DecomposeError) -> Decomposition<Element> {
  let size1 = HOOIState<Element>.basisSize(kernel.shape[0], rank: outputRank)
  let size2 = HOOIState<Element>.basisSize(kernel.shape[1], rank: inputRank)
  return try iterate(kernel, bound: bound) { (tensor) throws(LinearAlgebraError) in
    try HOOIState(
      tensor, outputRank: outputRank, inputRank: inputRank,
      rows1: Tensor(rows1.view.sliced(axis: 0, 0..<size1)),
      rows2: Tensor(rows2.view.sliced(axis: 0, 0..<size2)))
  }
}

/// Sweeps until the error stands still, and what came out, measured on the whole kernel.
///
/// Without a `bound` of its own the result carries the error of the start, which no sweep raises.
private func iterate<Element: LapackScalar>(
  _ kernel: Tensor<Element>, bound: Double? = nil,
  start: (Tensor<Element>) throws(LinearAlgebraError) -> HOOIState<Element>
) throws(DecomposeError) -> Decomposition<Element> {
  let scale = kernel.unitScale
  let tensor = (scale == 1 ? kernel : kernel.scaled(by: scale)).inputsLast()
  let (state, report) = try wrapping { () throws(LinearAlgebraError) in
    var state = try start(tensor)
    let report = try state.iterate()
    return (state, report)
  }
  let factors = FactoredKernel.tucker2(
    state.factors(spatial: Array(kernel.shape.extents.dropFirst(2)), unit: 1 / scale))
  let error = certifiedError(kernel, factors, difference: state.relativeError())
  return try Decomposition(
    kernel: factors, relativeError: error, errorBound: max(bound ?? report.errors[0], error),
    convergence: report
  ).requireFinite()
}
