import LinearAlgebra
import Tensors

/// The bases as rows, ordered by energy, while HOOI improves one after the other.
struct HOOIState<Element: LapackScalar> {
  /// [T, taps, S]: projecting either channel mode is then one GEMM, and neither Gram matrix needs a copy.
  let tensor: Tensor<Element>
  let outputRank: Int
  let inputRank: Int
  let total: Double
  /// [P1, T] and [P2, S], more rows than the rank; no basis of mode 2 before its first update.
  private var rows1: Tensor<Element>
  private var rows2: Tensor<Element>?
  /// The leading rows of both, orthonormal to rounding.
  private(set) var leading1: Tensor<Element>
  private(set) var leading2: Tensor<Element>
  /// The tensor projected by the leading rows of one mode in the last update.
  private var projection: Projection
  /// The core, [R1, taps, R2]: there once the sweeps are done.
  private(set) var core: Tensor<Element>

  private enum Projection {
    /// [R1 taps, S].
    case byFirst(Tensor<Element>)
    /// [T, taps R2].
    case bySecond(Tensor<Element>)
  }

  private var outputs: Int { tensor.shape[0] }
  private var taps: Int { tensor.shape[1] }
  private var inputs: Int { tensor.shape[2] }

  init(
    _ tensor: Tensor<Element>, outputRank: Int, inputRank: Int, rows1: Tensor<Element>? = nil,
    rows2: Tensor<Element>? = nil
  ) throws(LinearAlgebraError) {
    self.tensor = tensor
    self.outputRank = outputRank
    self.inputRank = inputRank
    total = tensor.squaredNorm
    let start: Tensor<Element>
    if let rows1 { start = rows1 } else { start = try Self.firstRows(tensor, rank: outputRank) }
    (self.rows1, self.rows2) = (start, rows2)
    (leading1, leading2, core, projection) = (start, start, tensor, .byFirst(tensor))
    leading1 = try leading(start, outputRank)
  }

  /// The rows of a basis in which the leading `rank` ones are wanted: fewer more where the rank already fills most of the
  /// extent, since what lies outside then holds little energy. Small extents are searched as a whole, and a few directions
  /// wanted of many among `leastBasis`.
  static func basisSize(_ extent: Int, rank: Int) -> Int {
    let outside = extent - rank
    let size = rank + min(3 * rank / 10, 4 * outside * outside / (9 * extent)) + 8
    return min(extent, extent <= leastBasis || 4 * rank <= leastBasis ? max(size, leastBasis) : size)
  }

  private static var leastBasis: Int { 32 }

  /// Orthogonal iterations of an update; fewer leave the last millionths of the error to further updates, which cost more.
  private static var iterations: Int { 3 }

  /// The leading rows of mode 1 of the whole tensor.
  private static func firstRows(
    _ tensor: Tensor<Element>, rank: Int
  ) throws(LinearAlgebraError) -> Tensor<Element> {
    let outputs = tensor.shape[0]
    let gram = tensor.reshaped([outputs, tensor.count / outputs]).matrixTimesTranspose()
    let start = try gram.sketchedRows(basisSize(outputs, rank: rank)).orthonormalizedRows()
    return try gram.dominantRows(from: start, iterations: 2).rows
  }

  /// Updates the modes in turn, mode 2 first, until a further update promises to lower the error too little to be worth its
  /// time; then takes the core.
  ///
  /// The gains of the updates shrink by about the same factor from one to the next, which tells what the next one would
  /// be; but behind a plateau they grow again, so that of few numbers a whole sweep has to gain too little. The errors are
  /// reported as they are: where nothing changes any more rounding may show a rise, which ends the iteration.
  mutating func iterate() throws(LinearAlgebraError) -> ConvergenceReport {
    var errors = [try updateSecond()]
    var (updates, counted, gain, promise) = (0, 0, Double.infinity, Double.infinity)
    while updates < 2 * Self.maximumSweeps, promise > tolerance(after: counted) {
      let former = errors[updates]
      let error = updates % 2 == 0 ? try updateFirst() : try updateSecond()
      errors.append(error)
      updates += 1
      if !canGain(updates), canGain(updates + 1) { continue }
      counted += 1
      let next = former > 0 ? (former - error) / former : 0
      if isSmall {
        promise = max(gain, next)
      } else {
        promise = gain.isFinite && gain > 0 ? next * min(1, next / gain) : next
      }
      gain = next
    }
    takeCore()
    return ConvergenceReport(
      sweeps: (updates + 1) / 2, converged: promise <= tolerance(after: counted), errors: errors)
  }

  /// Whether the rank of the mode that an update improves, counted from 1, leaves out any direction: where it does not the
  /// update gains nothing, which says nothing of what the next one will.
  private func canGain(_ update: Int) -> Bool {
    update % 2 == 1
      ? outputRank < min(outputs, taps * inputRank) : inputRank < min(inputs, taps * outputRank)
  }

  private static var maximumSweeps: Int { 30 }

  /// The part of the error that a further update has to promise.
  ///
  /// Measured on kernels of 64 to 512 channels with decaying spectra and noise, at a quarter and a half of the ranks: two
  /// sweeps with the first tolerance end at the error of three sweeps with exact eigenvectors or below. Kernels that take
  /// more converge slowly, as trained ones at small ranks do, and each sweep gains them little; where the kernel has few
  /// numbers it costs little too.
  private func tolerance(after updates: Int) -> Double { updates < 4 || isSmall ? 1.5e-6 : 1e-4 }

  /// Whether the tensor has so few numbers that a longer search takes no time to speak of.
  private var isSmall: Bool { Self.isSmall(tensor) }

  static func isSmall(_ tensor: Tensor<Element>) -> Bool { tensor.count <= 1 << 14 }

  /// Improves the basis of mode 1 on the tensor projected by mode 2; returns the relative error.
  private mutating func updateFirst() throws(LinearAlgebraError) -> Double {
    let projected = matrixProduct(tensor.reshaped([outputs * taps, inputs]), leading2, transposeB: true)
      .reshaped([outputs, taps * inputRank])
    let (rows, values) = try projected.matrixTimesTranspose().dominantRows(
      from: rows1, iterations: Self.iterations)
    rows1 = rows
    leading1 = try leading(rows, outputRank)
    projection = .bySecond(projected)
    return error(values.prefix(outputRank))
  }

  /// Improves the basis of mode 2 on the tensor projected by mode 1; returns the relative error.
  private mutating func updateSecond() throws(LinearAlgebraError) -> Double {
    let projected = matrixProduct(leading1, tensor.reshaped([outputs, taps * inputs]))
      .reshaped([outputRank * taps, inputs])
    let gram = projected.transposeTimesMatrix()
    let start: Tensor<Element>
    if let rows2 {
      start = rows2
    } else {
      start = try gram.sketchedRows(Self.basisSize(inputs, rank: inputRank)).orthonormalizedRows()
    }
    let (rows, values) = try gram.dominantRows(from: start, iterations: Self.iterations)
    rows2 = rows
    leading2 = try leading(rows, inputRank)
    projection = .byFirst(projected)
    return error(values.prefix(inputRank))
  }

  private mutating func takeCore() {
    let product =
      switch projection {
      case .byFirst(let projected): matrixProduct(projected, leading2, transposeB: true)
      case .bySecond(let projected): matrixProduct(leading1, projected)
      }
    core = product.reshaped([outputRank, taps, inputRank])
  }

  private func leading(_ rows: Tensor<Element>, _ rank: Int) throws(LinearAlgebraError) -> Tensor<Element> {
    try Tensor(rows.view.sliced(axis: 0, 0..<rank)).orthonormalizedRows()
  }

  private func error(_ captured: ArraySlice<Double>) -> Double {
    total > 0 ? (max(0, total - captured.reduce(0, +)) / total).squareRoot() : 0
  }

}

extension HOOIState {
  /// The relative error of the factors as they are.
  ///
  /// With E1 and E2 what the factors lack of orthonormality, and C the core, which is the projection of the tensor,
  ///
  ///     ||K - K'||² = ||K||² - ||C||² + <E1, C(1) C(1)^T> + <E2, C(2) C(2)^T>
  ///
  /// to the squares of the E's and to the rounding of C, which has no side. The rows are ordered by energy, so the Gram
  /// matrices of the core are all but diagonal. Together what is left out is about an epsilon of `||K||²`, divided by the
  /// root of the number of elements that the core's energy is spread over; where that would be more than some epsilons of
  /// the error, small kernels and those of a few large elements among them, the error is that of the reconstruction itself.
  func relativeError() -> Double {
    guard total > 0 else { return 0 }
    guard core.count >= Self.averagingCount else { return relativeDifference(tensor, reconstructed()) }
    let columns = core.permuted([2, 0, 1]).reshaped([inputRank, outputRank * taps])
    let residual =
      total - core.squaredNorm
      + defect(leading1, of: core.reshaped([outputRank, taps * inputRank])) + defect(leading2, of: columns)
    let error = (max(0, residual) / total).squareRoot()
    // An epsilon divided by the root of the spread and by 2 error² is at most six epsilons.
    let isKnown = error > 0.05 && spread(core) * error * error * error * error > 1.0 / 144
    return isKnown ? error : relativeDifference(tensor, reconstructed())
  }

  /// The numbers in a core over which roundings average out: with 1,024 of them they are a thirtieth of one.
  private static var averagingCount: Int { 1024 }

  /// Over how many elements the energy of a tensor is spread: all where they are of the same size, one where it holds all.
  private func spread(_ tensor: Tensor<Element>) -> Double {
    var (squares, fourths) = (0.0, 0.0)
    tensor.withSpan { elements in
      for i in elements.indices {
        let square = Double(elements[i]) * Double(elements[i])
        squares += square
        fourths += square * square
      }
    }
    return fourths > 0 ? squares * squares / fourths : 0
  }

  /// The sum over the rows of `(||row||² - 1) ||row of the core||²`.
  private func defect(_ rows: Tensor<Element>, of core: Tensor<Element>) -> Double {
    zip(rows.rowNorms, core.rowNorms).reduce(0) { $0 + ($1.0 * $1.0 - 1) * $1.1 * $1.1 }
  }

  /// What the factors reconstruct, in the layout of the tensor.
  private func reconstructed() -> Tensor<Element> {
    let wide = matrixProduct(core.reshaped([outputRank * taps, inputRank]), leading2)
    return matrixProduct(leading1, wide.reshaped([outputRank, taps * inputs]), transposeA: true).reshaped(
      tensor.shape)
  }
}

extension Tensor where Element: LapackScalar {
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
    var random = SeededGenerator(seed: 0x1234_5678_9ABC_DEF1)
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
