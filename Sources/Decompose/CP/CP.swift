public import LinearAlgebra
public import Tensors

/// Factors a kernel into a sum of rank-one terms over its channel modes, each with a spatial kernel of its own.
///
///     K[t, s, ...] ~ sum over r of  mode1[t, r] mode2[s, r] kernel[r, ...]
///
/// **Shapes** `kernel` [T, S, D...] with one or more spatial axes; `rank` 1 or more.
///
/// **Throws** `DecomposeError`: a rank out of range, no spatial axis, no elements, numbers that are not finite, LAPACK
/// without convergence.
///
/// **Accuracy** a local optimum, to the tolerance of the options: the best CP of a rank is a hard problem and need not
/// exist. Never worse than where the iterations begin, nor than zero; exact at the largest rank. Not promised is that more
/// terms end nearer than fewer, which only factors of all smaller ranks could tell: of 18,000 generated kernels, each beside
/// two smaller ranks (`scripts/fuzz/kernels.py`), 23 ended higher by more than 2e-3 of the kernel, the furthest by 0.07; nor
/// that no other start ends nearer, as 67 did from TensorLy's by more than 1e-2, half of them sums of orthogonal terms of equal
/// size. The certificate holds the error of the factors as stored and how stable they are; every number in
/// it and in the factors is finite, but for the condition of dependent terms. BLAS runs on one thread, so that the factors
/// depend on the kernel and the options alone.
///
/// **Complexity** see `CPSweeps`; most iterations run inside a Tucker-2 compression.
///
/// **Source** Astrid and Lee arXiv 1701.07148; Kolda and Bader 2009, section 3; Phan et al. arXiv 2008.05441.
public func cp3<Element: LapackScalar>(
  _ kernel: Tensor<Element>, rank: Int, options: CPOptions = CPOptions()
) throws(DecomposeError) -> CPDecomposition<Element> {
  try kernel.requireKernel(form: "CP-3")
  guard kernel.shape.order >= 3 else {
    throw .unsuitableKernel(form: "CP-3", kernel: kernel.shape, reason: "it needs a spatial axis")
  }
  let taps = kernel.count / (kernel.shape[0] * kernel.shape[1])
  return try canonicalPolyadic(kernel, spatial: [taps], rank: rank, options: options)
}

/// Factors a kernel with two spatial axes into terms of rank one in all four modes.
///
///     K[t, s, i, j] ~ sum over r of  mode1[t, r] mode2[s, r] vertical[r, i] horizontal[r, j]
///
/// **Shapes** `kernel` [T, S, D1, D2]; `rank` 1 or more.
///
/// **Throws**, **Accuracy** and **Complexity** as `cp3`.
///
/// **Source** Lebedev et al. arXiv 1412.6553.
public func cp4<Element: LapackScalar>(
  _ kernel: Tensor<Element>, rank: Int, options: CPOptions = CPOptions()
) throws(DecomposeError) -> CPDecomposition<Element> {
  try kernel.requireKernel(form: "CP-4")
  guard kernel.shape.order == 4 else {
    throw .unsuitableKernel(form: "CP-4", kernel: kernel.shape, reason: "it needs two spatial axes")
  }
  return try canonicalPolyadic(
    kernel, spatial: Array(kernel.shape.extents.dropFirst(2)), rank: rank, options: options)
}

/// CP with the spatial axes in modes of these extents: one mode for CP-3, two for CP-4.
private func canonicalPolyadic<Element: LapackScalar>(
  _ kernel: Tensor<Element>, spatial: [Int], rank: Int, options: CPOptions
) throws(DecomposeError) -> CPDecomposition<Element> {
  // At the product of all extents but the largest one the form is exact; beyond it there is nothing to gain.
  let extents = [kernel.shape[0], kernel.shape[1]] + spatial
  let limit = kernel.count / (extents.max() ?? 1)
  try requireRank(rank, "rank", upTo: limit, kernel: kernel.shape)
  let scale = kernel.unitScale
  let tensor = kernel.inputsLast(times: scale).withoutNegligible()
  func certify(
    _ model: CPModel<Element>, _ convergence: ConvergenceReport
  ) throws(DecomposeError) -> CPDecomposition<Element> {
    var model = model
    model.balance(unit: 1 / Double(scale))
    return try wrapping { () throws(LinearAlgebraError) in
      try certified(model, kernel: kernel, convergence: convergence)
    }
  }
  let result = try reproducibly { () throws(DecomposeError) in
    let zero = CPModel(modes: extents.map { Tensor<Element>(shape: [rank, $0]) })
    guard tensor.squaredNorm > 0 else { return try certify(zero, .closedForm) }
    guard rank < limit else { return try certify(CPModel(fibresOf: tensor, spatial: spatial), .closedForm) }
    var search = CPSearch(tensor: tensor, spatial: spatial, rank: rank, options: options)
    let model = try wrapping { () throws(LinearAlgebraError) in try search.run() }
    let result = try certify(model, search.report)
    guard search.distrusts(result.certificate.relativeError) else { return result }
    let others = try [search.start, zero].map { (other) throws(DecomposeError) in
      try certify(other, search.report)
    }
    return others.reduce(result) { best, other in
      // A NaN is no error to be below.
      other.certificate.relativeError >= best.certificate.relativeError ? best : other
    }
  }
  guard result.certificate.relativeError.isFinite, result.kernel.isFinite else {
    throw .outOfRange(kernel: kernel.shape)
  }
  return result
}

private func certified<Element: LapackScalar>(
  _ model: CPModel<Element>, kernel: Tensor<Element>, convergence: ConvergenceReport
) throws(LinearAlgebraError) -> CPDecomposition<Element> {
  let factors = model.factors(kernel: kernel.shape)
  let certificate = try model.certificate(of: kernel, relativeError: certifiedError(kernel, factors))
  return CPDecomposition(kernel: factors, certificate: certificate, convergence: convergence)
}
