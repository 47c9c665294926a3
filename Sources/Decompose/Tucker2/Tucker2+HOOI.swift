import LinearAlgebra
import TensorCore

/// The constants of the iteration; the measurements behind them are in `Benchmarks/README.md`.
private enum HOOI {
  /// Orthogonal iterations that find the compressing subspaces, after the sketch.
  static let compressingIterations = 2
  /// Orthogonal iterations for each mode in a sweep.
  static let sweepIterations = 5
  static let maximumSweeps = 30
  /// A sweep that lowers the error by less than this part of itself is the last.
  static let tolerance = 1.5e-4
}

/// Higher-order orthogonal iteration for two modes, inside a compression.
///
/// 1. Each mode is compressed to a subspace somewhat larger than its rank, by orthogonal iteration on the Gram
///    matrix: the mode-2 one of what mode 1 left over, as in ST-HOSVD.
/// 2. Sweeps run on the compressed tensor [P1, P2, D...]. Each updates a factor by orthogonal iterations on the Gram
///    matrix of the tensor projected by the other one, starting from the factor as it is; the captured energy never
///    falls, so neither does the error ever rise.
/// 3. The factors are carried back, and core, error and bound are computed from the whole kernel in Double.
///
/// The subspaces are searched in the kernel's own precision: a direction that Float cannot tell from its neighbours
/// holds no energy to speak of, and step 3 measures what came out.
///
/// **Complexity** about (T S D)(T/2 + P1) + S P1 D (S/2 + P2) multiplies for step 1, P1 P2 D (R1 + R2) +
/// (P1² R2 + P2² R1) D / 2 a sweep, T S D (R1 + R2) for step 3.
///
/// **Source** De Lathauwer, De Moor, Vandewalle 2000 (HOOI); Halko, Martinsson, Tropp 2011 (randomized subspace).
func higherOrderOrthogonalIteration<Element: LapackScalar>(
  _ kernel: Tensor<Element>, outputRank: Int, inputRank: Int
) throws(DecomposeError) -> Decomposition<Element> {
  let compressed = try compress(kernel, outputRank: outputRank, inputRank: inputRank)
  return try iterate(compressed, kernel: kernel, outputRank: outputRank, inputRank: inputRank, bound: nil)
}

/// Sweeps over a compressed kernel until the error stands still, and what came out, measured on the whole kernel.
///
/// Without a `bound` of its own the result carries the error of the start, which no sweep raises.
func iterate<Element: LapackScalar>(
  _ compressed: CompressedKernel<Element>, kernel: Tensor<Element>, outputRank: Int, inputRank: Int,
  bound: Double?
) throws(DecomposeError) -> Decomposition<Element> {
  var state = HOOIState(compressed, outputRank: outputRank, inputRank: inputRank, total: kernel.squaredNorm)
  try wrapping { () throws(LinearAlgebraError) in try state.iterate() }
  let spatial = Array(kernel.shape.extents.dropFirst(2))
  let factors = FactoredKernel.tucker2(state.factors(in: compressed, spatial: spatial))
  let error = certifiedError(kernel, factors)
  return try Decomposition(
    kernel: factors, relativeError: error, errorBound: max(bound ?? state.errors[0], error),
    convergence: ConvergenceReport(
      sweeps: state.errors.count - 1, converged: state.converged, errors: state.errors)
  ).requireFinite()
}

/// A kernel in two subspaces: `core2` is its mode-2 unfolding, [P2, P1 D].
struct CompressedKernel<Element: LapackScalar> {
  let rows1: Tensor<Element>
  let rows2: Tensor<Element>
  let core2: Tensor<Element>
  /// The product of the spatial extents, D.
  let taps: Int
  /// `core2` is the kernel's times this power of two, so that its squares neither underflow nor overflow.
  let scale: Element
}

private func compress<Element: LapackScalar>(
  _ kernel: Tensor<Element>, outputRank: Int, inputRank: Int
) throws(DecomposeError) -> CompressedKernel<Element> {
  let (outputs, inputs) = (kernel.shape[0], kernel.shape[1])
  let taps = kernel.count / (outputs * inputs)
  let scale = kernel.unitScale
  let unfolded1 = (scale == 1 ? kernel : kernel.scaled(by: scale)).unfolded(mode: 1)
  let rows1 = try compressingRows(unfolded1, size: compressedExtent(outputs, rank: outputRank))
  let projected = matrixProduct(rows1, unfolded1).reshaped([rows1.shape[0], inputs, taps])
  let unfolded2 = projected.unfolded(mode: 2)
  let rows2 = try compressingRows(unfolded2, size: compressedExtent(inputs, rank: inputRank))
  return CompressedKernel(
    rows1: rows1, rows2: rows2, core2: matrixProduct(rows2, unfolded2), taps: taps, scale: scale)
}

/// The compressed extent of a mode: about twice the rank for small ranks, less where the rank already fills most of
/// it, since what lies outside then holds little energy.
func compressedExtent(_ extent: Int, rank: Int) -> Int {
  let outside = extent - rank
  return min(extent, rank + min(rank, 4 * outside * outside / (9 * extent)) + 8)
}

/// A subspace that holds most of a mode's energy, its basis ordered by energy (Rayleigh-Ritz), so that the leading
/// rows are already a good start for the iteration.
private func compressingRows<Element: LapackScalar>(
  _ unfolded: Tensor<Element>, size: Int
) throws(DecomposeError) -> Tensor<Element> {
  let gram = unfolded.matrixTimesTranspose()
  return try wrapping { () throws(LinearAlgebraError) in
    let start = try sketchedRows(of: gram, size).orthonormalizedRows()
    let basis = try gram.dominantSubspace(start: start, iterations: HOOI.compressingIterations)
    let small = matrixProduct(matrixProduct(basis, gram), basis, transposeB: true)
    let eigen = try small.symmetricEigendecomposition()
    return try matrixProduct(eigen.vectors, basis, transposeA: true).orthonormalizedRows()
  }
}

/// The factors within the compressed tensor, as rows, while they are iterated.
private struct HOOIState<Element: LapackScalar> {
  let core1: Tensor<Element>
  let core2: Tensor<Element>
  let taps: Int
  /// The energy of the whole kernel, scaled as `core2` is.
  let total: Double
  let scale: Element
  var rows1: Tensor<Element>
  var rows2: Tensor<Element>
  var errors: [Double] = []
  var converged = false

  init(_ compressed: CompressedKernel<Element>, outputRank: Int, inputRank: Int, total: Double) {
    let (p1, p2) = (compressed.rows1.shape[0], compressed.rows2.shape[0])
    self.taps = compressed.taps
    self.scale = compressed.scale
    self.total = total * Double(scale) * Double(scale)
    self.core2 = compressed.core2
    self.core1 = compressed.core2.reshaped([p2, p1, compressed.taps]).unfolded(mode: 2)
    // The compressing bases are ordered by energy: their leading directions are the start.
    self.rows1 = leadingDirections(outputRank, of: p1)
    self.rows2 = leadingDirections(inputRank, of: p2)
  }

  mutating func iterate() throws(LinearAlgebraError) {
    errors.append(try update(&rows2, by: rows1, of: core1))
    for _ in 0..<HOOI.maximumSweeps {
      _ = try update(&rows1, by: rows2, of: core2)
      let error = try update(&rows2, by: rows1, of: core1)
      let former = errors[errors.count - 1]
      // Rounding may show a rise where nothing changes any more; the best factors so far are the new ones all the
      // same, to rounding.
      errors.append(min(error, former))
      converged = former - error <= HOOI.tolerance * former
      if converged { break }
    }
    // A second pass: the iteration's own leaves the rows orthonormal only to about 1,000 epsilon.
    rows1 = try rows1.orthonormalizedRows()
    rows2 = try rows2.orthonormalizedRows()
  }

  /// The factors carried back from the compressed tensor; products of orthonormal rows stay orthonormal.
  func factors(in compressed: CompressedKernel<Element>, spatial: [Int]) -> Tucker2Factors<Element> {
    let (r1, r2, p2) = (rows1.shape[0], rows2.shape[0], rows2.shape[1])
    let half = matrixProduct(rows1, core1).reshaped([r1, p2, taps])
    let core = Tensor.folded(matrixProduct(rows2, half.unfolded(mode: 2)), mode: 2, shape: [r1, r2, taps])
    return Tucker2Factors(
      core: (scale == 1 ? core : core.scaled(by: 1 / scale)).reshaped(Shape([r1, r2] + spatial)),
      mode1: matrixProduct(compressed.rows1, rows1, transposeA: true, transposeB: true),
      mode2: matrixProduct(compressed.rows2, rows2, transposeA: true, transposeB: true))
  }

  /// Projects the tensor by the fixed factor, improves the other one, and returns the relative error.
  private func update(
    _ rows: inout Tensor<Element>, by fixed: Tensor<Element>, of unfolded: Tensor<Element>
  ) throws(LinearAlgebraError) -> Double {
    let other = unfolded.shape[1] / taps
    let projected = matrixProduct(fixed, unfolded).reshaped([fixed.shape[0], other, taps]).unfolded(mode: 2)
    let gram = projected.matrixTimesTranspose()
    rows = try gram.dominantSubspace(start: rows, iterations: HOOI.sweepIterations)
    let captured = innerProduct(matrixProduct(rows, gram), rows)
    return total > 0 ? (max(0, total - captured) / total).squareRoot() : 0
  }
}

private func leadingDirections<Element: LapackScalar>(_ rank: Int, of extent: Int) -> Tensor<Element> {
  Tensor(shape: [rank, extent], elements: (0..<(rank * extent)).map { $0 / extent == $0 % extent ? 1 : 0 })
}

/// Rows of a symmetric matrix added up with random signs, row i to row i mod `size` of the sketch.
///
/// A start for orthogonal iterations that has a part in every direction, at the price of one pass over the matrix
/// where random rows cost a GEMM. The signs are the same in every run.
///
/// **Source** the count sketch, Charikar, Chen, Farach-Colton 2002; Clarkson and Woodruff 2013.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
private func sketchedRows<Element: LapackScalar>(of matrix: Tensor<Element>, _ size: Int) -> Tensor<Element> {
  let n = matrix.shape[0]
  // A 64-bit linear congruential generator (Knuth's MMIX constants); only its top bit is used.
  var state: UInt64 = 0x1234_5678_9ABC_DEF1
  var sketch = Tensor<Element>(shape: [size, n])
  sketch.withMutableSpan { rows in
    matrix.withSpan { matrix in
      for i in 0..<n {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let sign: Element = state >> 63 == 0 ? 1 : -1
        let row = (i % size) * n
        for j in 0..<n { rows[row + j] += sign * matrix[i * n + j] }
      }
    }
  }
  return sketch
}
