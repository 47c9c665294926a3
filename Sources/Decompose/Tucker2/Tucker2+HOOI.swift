import LinearAlgebra
import TensorCore

/// The constants of the iteration, measured on kernels of 64 to 512 channels with decaying spectra and noise at a quarter
/// and a half of the ranks: with these one sweep ends within 3e-5 of the error that further sweeps would reach; fewer
/// first iterations cost a second sweep, more of any gain nothing.
private enum HOOI {
  /// Orthogonal iterations that find the first basis of mode 1, of mode 2, and of either in a sweep.
  static let (first, second, sweep) = (2, 3, 2)
  static let maximumSweeps = 30
  /// An update of one factor that lowers the error by less than this part of itself is the last.
  static let tolerance = 3e-4
}

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
/// T S D R1 + S² D R1 / 2, each with about 2 n² P + 4 P³ for the basis of P rows; three updates as a rule.
///
/// **Source** De Lathauwer, De Moor, Vandewalle 2000 (HOOI); Vannieuwenhoven et al. 2012 (the start); Halko, Martinsson,
/// Tropp 2011 (oversampling); Rutishauser 1970 (orthogonal iteration with Ritz acceleration).
func higherOrderOrthogonalIteration<Element: LapackScalar>(
  _ kernel: Tensor<Element>, outputRank: Int, inputRank: Int
) throws(DecomposeError) -> Decomposition<Element> {
  try iterate(kernel, outputRank: outputRank, inputRank: inputRank) { (tensor) throws(LinearAlgebraError) in
    let outputs = tensor.shape[0]
    let unfolded = tensor.reshaped([outputs, tensor.count / outputs])
    let gram = unfolded.matrixTimesTranspose()
    let size = basisSize(outputs, rank: outputRank)
    let start = try gram.sketchedRows(size).orthonormalizedRows()
    return (try gram.dominantRows(from: start, iterations: HOOI.first).rows, nil)
  }
}

/// Sweeps from the leading directions of both modes, ordered by energy, which are already there.
func iterate<Element: LapackScalar>(
  _ kernel: Tensor<Element>, rows1: Tensor<Element>, rows2: Tensor<Element>, outputRank: Int, inputRank: Int,
  bound: Double
) throws(DecomposeError) -> Decomposition<Element> {
  let size1 = basisSize(kernel.shape[0], rank: outputRank)
  let size2 = basisSize(kernel.shape[1], rank: inputRank)
  return try iterate(kernel, outputRank: outputRank, inputRank: inputRank, bound: bound) { _ in
    (
      Tensor(rows1.view.sliced(axis: 0, 0..<size1)),
      Tensor(rows2.view.sliced(axis: 0, 0..<size2))
    )
  }
}

/// Sweeps until the error stands still, and what came out, measured on the whole kernel.
///
/// Without a `bound` of its own the result carries the error of the start, which no sweep raises.
private func iterate<Element: LapackScalar>(
  _ kernel: Tensor<Element>, outputRank: Int, inputRank: Int, bound: Double? = nil,
  start: (Tensor<Element>) throws(LinearAlgebraError) -> (Tensor<Element>, Tensor<Element>?)
) throws(DecomposeError) -> Decomposition<Element> {
  let scale = kernel.unitScale
  let tensor = (scale == 1 ? kernel : kernel.scaled(by: scale)).inputsLast()
  let (state, report) = try wrapping { () throws(LinearAlgebraError) in
    let (rows1, rows2) = try start(tensor)
    var state = HOOIState(
      tensor, outputRank: outputRank, inputRank: inputRank, rows1: rows1, rows2: rows2)
    let report = try state.iterate()
    return (state, report)
  }
  let factors = FactoredKernel.tucker2(
    state.factors(spatial: Array(kernel.shape.extents.dropFirst(2)), unit: 1 / scale))
  let error = certifiedError(kernel, factors, difference: relativeDifference(tensor, state.reconstructed()))
  return try Decomposition(
    kernel: factors, relativeError: error, errorBound: max(bound ?? report.errors[0], error),
    convergence: report
  ).requireFinite()
}

/// The rows of a basis in which the leading `rank` ones are wanted: fewer more where the rank already fills most of the
/// extent, since what lies outside then holds little energy.
private func basisSize(_ extent: Int, rank: Int) -> Int {
  let outside = extent - rank
  return min(extent, rank + min(3 * rank / 10, 4 * outside * outside / (9 * extent)) + 8)
}

/// The bases as rows, ordered by energy, while they are iterated.
private struct HOOIState<Element: LapackScalar> {
  /// [T, taps, S]: projecting either channel mode is then one GEMM, and neither Gram matrix needs a copy.
  let tensor: Tensor<Element>
  let outputRank: Int
  let inputRank: Int
  let total: Double
  /// [P1, T] and [P2, S]; no basis of mode 2 before its first update.
  var rows1: Tensor<Element>
  var rows2: Tensor<Element>?
  /// The leading rows of both, orthonormal to rounding, and the tensor projected by those of mode 1, [R1, taps, S].
  var leading1: Tensor<Element>
  var leading2: Tensor<Element>
  var projected: Tensor<Element>
  /// The core of the last sweep, [R1 taps, R2].
  var core: Tensor<Element>

  private var outputs: Int { tensor.shape[0] }
  private var taps: Int { tensor.shape[1] }
  private var inputs: Int { tensor.shape[2] }

  init(
    _ tensor: Tensor<Element>, outputRank: Int, inputRank: Int, rows1: Tensor<Element>,
    rows2: Tensor<Element>?
  ) {
    self.tensor = tensor
    self.outputRank = outputRank
    self.inputRank = inputRank
    total = tensor.squaredNorm
    (self.rows1, self.rows2) = (rows1, rows2)
    (leading1, leading2, projected, core) = (rows1, rows1, tensor, tensor)
  }

  mutating func iterate() throws(LinearAlgebraError) -> ConvergenceReport {
    var errors = [try updateSecond()]
    var converged = false
    for _ in 0..<HOOI.maximumSweeps where !converged {
      let start = errors[errors.count - 1]
      // Rounding may show a rise where nothing changes any more; the best factors so far are the new ones all the
      // same, to rounding.
      let half = min(try updateFirst(), start)
      converged = start - half <= HOOI.tolerance * start
      if converged {
        errors.append(half)
        try projectFirst()
      } else {
        errors.append(min(try updateSecond(), half))
        converged = half - errors[errors.count - 1] <= HOOI.tolerance * half
      }
    }
    core = matrixProduct(projected, leading2, transposeB: true)
    return ConvergenceReport(sweeps: errors.count - 1, converged: converged, errors: errors)
  }

  /// Improves the basis of mode 1 on the tensor projected by mode 2; returns the relative error.
  private mutating func updateFirst() throws(LinearAlgebraError) -> Double {
    let others = tensor.reshaped([outputs * taps, inputs])
    let gram = matrixProduct(others, leading2, transposeB: true)
      .reshaped([outputs, taps * inputRank]).matrixTimesTranspose()
    let (rows, values) = try gram.dominantRows(from: rows1, iterations: HOOI.sweep)
    rows1 = rows
    return error(values.prefix(outputRank))
  }

  /// Improves the basis of mode 2 on the tensor projected by mode 1; returns the relative error.
  private mutating func updateSecond() throws(LinearAlgebraError) -> Double {
    try projectFirst()
    let gram = projected.transposeTimesMatrix()
    let (rows, values): (Tensor<Element>, [Double])
    if let former = rows2 {
      (rows, values) = try gram.dominantRows(from: former, iterations: HOOI.sweep)
    } else {
      let start = try gram.sketchedRows(basisSize(inputs, rank: inputRank)).orthonormalizedRows()
      (rows, values) = try gram.dominantRows(from: start, iterations: HOOI.second)
    }
    rows2 = rows
    leading2 = try Tensor(rows.view.sliced(axis: 0, 0..<inputRank)).orthonormalizedRows()
    return error(values.prefix(inputRank))
  }

  private mutating func projectFirst() throws(LinearAlgebraError) {
    leading1 = try Tensor(rows1.view.sliced(axis: 0, 0..<outputRank)).orthonormalizedRows()
    projected = matrixProduct(leading1, tensor.reshaped([outputs, taps * inputs]))
      .reshaped([outputRank * taps, inputs])
  }

  private func error(_ captured: ArraySlice<Double>) -> Double {
    total > 0 ? (max(0, total - captured.reduce(0, +)) / total).squareRoot() : 0
  }

  /// What the factors reconstruct, in the layout of the tensor.
  func reconstructed() -> Tensor<Element> {
    let wide = matrixProduct(core, leading2).reshaped([outputRank, taps * inputs])
    return matrixProduct(leading1, wide, transposeA: true).reshaped(tensor.shape)
  }

  /// The factors of the last update, the core times `unit`.
  func factors(spatial: [Int], unit: Element) -> Tucker2Factors<Element> {
    let core = self.core.reshaped([outputRank, taps, inputRank]).permuted([0, 2, 1])
    return Tucker2Factors(
      core: (unit == 1 ? core : core.scaled(by: unit)).reshaped(Shape([outputRank, inputRank] + spatial)),
      mode1: leading1.permuted([1, 0]), mode2: leading2.permuted([1, 0]))
  }
}

extension Tensor where Element: LapackScalar {
  /// A kernel [T, S, D...] as [T, taps, S].
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  func inputsLast() -> Tensor {
    let (outputs, inputs) = (shape[0], shape[1])
    let taps = count / (outputs * inputs)
    guard taps > 1 else { return reshaped([outputs, 1, inputs]) }
    return Tensor(shape: [outputs, taps, inputs]) { target in
      withSpan { source in
        for t in 0..<outputs {
          let slab = t * taps * inputs
          for d in 0..<taps {
            for s in 0..<inputs { target[slab + d * inputs + s] = source[slab + s * taps + d] }
          }
        }
      }
    }
  }

  /// Rows of a symmetric matrix added up with random signs, row i to row i mod `size` of the sketch.
  ///
  /// A start for orthogonal iterations that has a part in every direction, at the price of one pass over the matrix
  /// where random rows cost a GEMM. The signs are the same in every run.
  ///
  /// **Source** the count sketch, Charikar, Chen, Farach-Colton 2002; Clarkson and Woodruff 2013.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  fileprivate func sketchedRows(_ size: Int) -> Tensor {
    let n = shape[0]
    var random = SplitMix64(seed: 0x1234_5678_9ABC_DEF1)
    var sketch = Tensor(shape: [size, n])
    sketch.withMutableSpan { rows in
      withSpan { matrix in
        for i in 0..<n {
          let sign: Element = random.next() >> 63 == 0 ? 1 : -1
          let row = (i % size) * n
          for j in 0..<n { rows[row + j] += sign * matrix[i * n + j] }
        }
      }
    }
    return sketch
  }
}
