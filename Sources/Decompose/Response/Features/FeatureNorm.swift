import LinearAlgebra
import Tensors

/// The data's norm as a form with a mapped first stage sees it: everything over patches [A, O].
///
/// Where M is needed as a product, for an order of features or to precondition, the nearest by partial traces stands in:
///
///     M ~ Ca x Co,   Ca = sum over o of M[(a, o), (a', o)],   Co = sum over a of M[(a, o), (a, o')] / tr M
///
/// **Memory** shares the problem's M, or, where axes are exchanged, has a copy of it.
struct FeatureNorm: Sendable {
  let layout: FeatureLayout
  /// M, [A O, A O].
  let matrix: Tensor<Double>
  /// (W* M)', [A O, T].
  let cross: Tensor<Double>
  /// `J(0)`: what is left where nothing is explained.
  let energy: Double
  /// Ca's triangle, [A, A].
  let mappedFactor: CholeskyDecomposition<Double>
  /// Co, [O, O].
  let offsetCovariance: Tensor<Double>
  /// W*', [A O, T].
  private let best: Tensor<Double>

  init(_ problem: ResponseProblem, _ layout: FeatureLayout) throws(LinearAlgebraError) {
    self.layout = layout
    matrix = layout.arranged(square: problem.norm)
    cross = layout.arranged(problem.fit.cross).permuted([1, 0])
    best = layout.arranged(problem.fit.best).permuted([1, 0])
    energy = problem.energy
    let mapped = matrix.partialTrace(outer: 1, extent: layout.mapped, inner: layout.offsets)
    let offsets = matrix.partialTrace(outer: layout.mapped, extent: layout.offsets, inner: 1)
    mappedFactor = try mapped.choleskyDecomposition()
    offsetCovariance = offsets.scaled(by: 1 / offsets.trace)
  }

  /// The `count` leading maps as rows [count, A], by what they explain of W* under the separable norm: with Ca = L L' and X
  /// the unfolding of W* along a,
  ///
  ///     P = U' L^-1,   U the leading eigenvectors of  L' X (Co x I) X' L
  ///
  /// **Complexity** A² O T multiplies and an eigenproblem of order A.
  func leadingMaps(_ count: Int) throws(LinearAlgebraError) -> Tensor<Double> {
    let (mapped, offsets, outputs) = (layout.mapped, layout.offsets, best.shape[1])
    let weighted = best.reshaped([mapped, offsets, outputs]).modeProduct(offsetCovariance, mode: 2)
    let unfolding: Shape = [mapped, offsets * outputs]
    let gram = matrixProduct(best.reshaped(unfolding), weighted.reshaped(unfolding), transposeB: true)
    let whitened = matrixProduct(
      matrixProduct(mappedFactor.lower, gram, transposeA: true), mappedFactor.lower)
    let vectors = try whitened.symmetricEigendecomposition(leading: count).vectors
    return mappedFactor.solveTriangle(vectors, transposed: true).permuted([1, 0])
  }

  /// The covariance of the features of maps, [R O, R O].
  ///
  /// **Complexity** R n² + R² O n multiplies.
  func featureCovariance(_ maps: Tensor<Double>) -> Tensor<Double> {
    let (rank, offsets) = (maps.shape[0], layout.offsets)
    let n = matrix.shape[0]
    let features = rank * offsets
    let half = matrixProduct(maps, matrix.reshaped([layout.mapped, offsets * n])).reshaped([features, n])
    let columns = half.permuted([1, 0]).reshaped([layout.mapped, offsets * features])
    return matrixProduct(maps, columns).reshaped([features, features])
  }

  /// The covariance of the features of maps with the responses, [R O, T].
  func featureCross(_ maps: Tensor<Double>) -> Tensor<Double> {
    let (rank, offsets, outputs) = (maps.shape[0], layout.offsets, cross.shape[1])
    return matrixProduct(maps, cross.reshaped([layout.mapped, offsets * outputs]))
      .reshaped([rank * offsets, outputs])
  }

  /// Least squares of the responses on the features of maps, whitened in their order, map by map:
  ///
  ///     V = L^-1 X,   F = L L' the covariance of the features, X theirs with the responses
  ///
  /// so that the first r O rows of V explain `V' V` of the responses with the first r maps alone.
  func regression(_ maps: Tensor<Double>) throws(LinearAlgebraError) -> FeatureRegression {
    let factor = try featureCovariance(maps).flooredCholesky(1e-13, 1e-9)
    return FeatureRegression(factor: factor, whitened: factor.solveTriangle(featureCross(maps)))
  }
}

/// A regression on features: the triangle of their covariance, and what each of them adds.
struct FeatureRegression: Sendable {
  /// L, [R O, R O].
  let factor: CholeskyDecomposition<Double>
  /// V, [R O, T].
  let whitened: Tensor<Double>
}
