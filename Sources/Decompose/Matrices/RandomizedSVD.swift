public import LinearAlgebra
import Forms
public import Tensors

/// Factors a matrix or a 1x1 kernel into two thin matrices by a randomized range finder: for large matrices of which
/// only a small part of the spectrum is wanted.
///
///     W ~ left right, as `truncatedSVD`
///
/// **Shapes** `kernel` [T, S] or [T, S, 1...]; `rank` in 1...min(T, S).
///
/// **Throws** `DecomposeError` as `truncatedSVD`.
///
/// **Accuracy** not the best approximation of its rank, but near it: `relativeError` is measured on the factors as
/// stored, and `errorBound` is that too, since the discarded spectrum is not known. The same seed gives the same
/// factors.
///
/// **Complexity** about 6 T S (rank + 10) multiplies, where the truncated SVD needs min(T, S) T S / 2 and an
/// eigenproblem of min(T, S) rows.
///
/// **Source** Halko, Martinsson, Tropp 2011, Finding structure with randomness.
public func randomizedSVD<Element: LapackScalar>(
  _ kernel: Tensor<Element>, rank: Int, seed: UInt64 = 1
) throws(DecomposeError) -> Decomposition<Element> {
  let matrix = try kernel.asMatrix()
  try requireRank(rank, "rank", upTo: min(matrix.shape[0], matrix.shape[1]), kernel: kernel.shape)
  let (scaled, scale) = matrix.atUnitScale()
  return try reproducibly { () throws(DecomposeError) in
    var finder = RangeFinder(scaled, seed: seed)
    try wrapping { () throws(LinearAlgebraError) in try finder.grow(by: rank + 10) }
    return try decomposition(kernel, finder, scale: scale) { _ in rank }
  }
}

/// Factors a matrix or a 1x1 kernel to a relative error, with as small a rank as the range found allows.
///
/// The basis grows by blocks until what it leaves out is within the error; the rank is then the least whose truncation
/// still is.
///
/// **Shapes**, **Throws** and **Source** as `randomizedSVD(_:rank:seed:)`.
///
/// **Traps** unless `error` is in 0...1 and `block` positive.
///
/// **Accuracy** `relativeError`, measured on the factors as stored, is at most `error` but for rounding.
///
/// **Complexity** as with the rank that comes out, rounded up to the block.
public func randomizedSVD<Element: LapackScalar>(
  _ kernel: Tensor<Element>, error: Double, block: Int = 32, seed: UInt64 = 1
) throws(DecomposeError) -> Decomposition<Element> {
  precondition(error >= 0 && error <= 1 && block > 0, "a relative error of \(error) by blocks of \(block)")
  let matrix = try kernel.asMatrix()
  let (scaled, scale) = matrix.atUnitScale()
  return try reproducibly { () throws(DecomposeError) in
    var finder = RangeFinder(scaled, seed: seed)
    repeat {
      try wrapping { () throws(LinearAlgebraError) in try finder.grow(by: block) }
    } while finder.relativeError > error && finder.basis.shape[0] < finder.limit
    return try decomposition(kernel, finder, scale: scale) { energies in
      // What the basis itself leaves out is part of the error of every truncation.
      let total = energies.reduce(0, +) / max(1 - finder.relativeError * finder.relativeError, .ulpOfOne)
      var kept = 0.0
      let enough = energies.firstIndex { energy in
        kept += energy
        return max(0, total - kept) <= error * error * total
      }
      return (enough ?? energies.count - 1) + 1
    }
  }
}

/// The leading part of a matrix in the basis that was found, the rank chosen from the energies of the coordinates.
private func decomposition<Element: LapackScalar>(
  _ kernel: Tensor<Element>, _ finder: RangeFinder<Element>, scale: Element, rank choose: ([Double]) -> Int
) throws(DecomposeError) -> Decomposition<Element> {
  let eigen = try wrapping { () throws(LinearAlgebraError) in
    try finder.coordinates.gramMatrix(mode: 1).symmetricEigendecomposition()
  }
  let rank = choose(eigen.values.map { max(0, $0) })
  let leading: Tensor<Element> = Tensor(eigen.vectors.view.sliced(axis: 1, 0..<rank)).converted()
  let (short, long) = balancedRows(
    matrixProduct(leading, finder.basis, transposeA: true),
    matrixProduct(leading, finder.coordinates, transposeA: true), unit: 1 / Double(scale))
  let wide = kernel.shape[0] <= kernel.shape[1]
  let factors = FactoredKernel.svd(
    MatrixFactors(
      left: (wide ? short : long).permuted([1, 0]), right: wide ? long : short, kernelShape: kernel.shape))
  let error = certifiedError(kernel, factors)
  return try Decomposition(
    kernel: factors, relativeError: error, errorBound: error, convergence: .closedForm
  ).requireFinite()
}
