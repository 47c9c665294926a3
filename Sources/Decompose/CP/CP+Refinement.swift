import LinearAlgebra
import Tensors

/// Non-linear least squares for CP: Levenberg-Marquardt steps on all factors at once.
///
///     minimise f = 1/2 ||X - reconstruction||²,   (J^T J + mu I) p = -g
///
/// The system is solved by conjugate gradients: the product with J^T J needs the Gram matrices alone, never the
/// tensor, and the block diagonal, a Cholesky factor for each mode, is the preconditioner. Where alternating least
/// squares crawls along a valley these steps go down it.
///
/// **Accuracy** everything in Double; a step is kept only where it lowers the error.
///
/// **Complexity** a step: 2 T S taps R multiplies for error and gradient, and for each of at most 30 conjugate gradient
/// iterations 4 R² (T + S + D).
///
/// **Source** Lebedev et al. arXiv 1412.6553, section 3.1; Tomasi and Bro 2006; Sorber, Van Barel, De Lathauwer 2013
/// (the structured product); Nielsen 1999 (the damping).
final class CPRefinement {
  private let sweeps: CPSweeps<Double>
  /// Where each mode's rows begin in a vector of all of them.
  private let offsets: [Int]
  private let count: Int
  private var gradient: [Double]
  private var step: [Double]
  /// For each mode `factor direction^T`, [R, R], within a product with J^T J.
  private var crossGrams: [[Double]]
  private var mixed: [Double]
  /// The normal equations of each mode, [R, R].
  private var normals: [[Double]]
  /// For each pair of modes the product of the Gram matrices of all others, [R, R].
  private var pairs: [[[Double]]]
  /// The Cholesky factor of each mode's block.
  private var blocks: [[Double]]
  private var damping = 0.0
  private var growth = 2.0
  /// `||X - reconstruction||²` of the factors as they are.
  private(set) var residual = Double.infinity

  private static var solverIterations: Int { 30 }

  init(_ tensor: Tensor<Double>, spatial: [Int], model: CPModel<Double>) {
    var balanced = model
    balanced.balance()
    sweeps = CPSweeps(tensor, spatial: spatial, model: balanced)
    let (rank, extents) = (sweeps.rank, sweeps.extents)
    var offsets = [0]
    for extent in extents { offsets.append((offsets.last ?? 0) + rank * extent) }
    self.offsets = offsets
    count = offsets.last ?? 0
    gradient = [Double](repeating: 0, count: count)
    step = gradient
    let square = [Double](repeating: 0, count: rank * rank)
    crossGrams = extents.map { _ in square }
    (mixed, normals, blocks) = (square, extents.map { _ in square }, extents.map { _ in square })
    pairs = extents.map { _ in extents.map { _ in square } }
    residual = sweeps.evaluate()
    computeGradient()
    damping =
      1e-3 * normals.map { normal in (0..<rank).reduce(0) { max($0, normal[$1 * rank + $1]) } }.reduce(0, max)
  }

  /// The factors as they are.
  var model: CPModel<Double> { sweeps.model() }

  /// One step; false where none lowers the error any more.
  func advance() -> Bool {
    for _ in 0..<12 {
      guard damping.isFinite, factorBlocks() else { return false }
      let predicted = solve()
      guard predicted > 0 else { return false }
      move(by: 1)
      let next = sweeps.evaluate()
      let gain = (residual - next) / predicted
      if next.isFinite && next < residual && gain > 0 {
        residual = next
        computeGradient()
        let shrink = 2 * gain - 1
        damping *= max(1.0 / 3, 1 - shrink * shrink * shrink)
        growth = 2
        return true
      }
      move(by: -1)
      damping *= growth
      growth *= 2
    }
    // The factors have been put back to rounding; what belongs to them has to follow.
    residual = min(residual, sweeps.evaluate())
    return false
  }

  private func move(by factor: Double) {
    for mode in sweeps.extents.indices {
      let (rows, step, offset) = (sweeps.rows[mode], step, offsets[mode])
      for i in 0..<(offsets[mode + 1] - offset) { rows[i] += factor * step[offset + i] }
    }
  }

  /// `g = normal rows - moments` for every mode.
  private func computeGradient() {
    computeNormals()
    // The contractions of the projected tensor first: the moments of mode 1 take its place.
    sweeps.secondMoments()
    addGradient(1)
    for mode in 2..<sweeps.extents.count {
      sweeps.spatialMoments(mode)
      addGradient(mode)
    }
    sweeps.firstMoments()
    addGradient(0)
  }

  private func addGradient(_ mode: Int) {
    let (rank, extent) = (sweeps.rank, sweeps.extents[mode])
    gradient.withUnsafeMutableBufferPointer { gradient in
      guard let base = gradient.baseAddress else { return }
      let g = base + offsets[mode]
      for i in 0..<(rank * extent) { g[i] = -sweeps.moments[i] }
      accumulate(normals[mode], UnsafePointer(sweeps.rows[mode]), extent, into: g)
    }
  }

  /// `target = target + matrix rows`, for a matrix of [R, R].
  private func accumulate(
    _ matrix: [Double], _ rows: UnsafePointer<Double>, _ extent: Int,
    into target: UnsafeMutablePointer<Double>
  ) {
    let rank = sweeps.rank
    matrix.withUnsafeBufferPointer { matrix in
      guard let a = matrix.baseAddress else { return }
      gemm(
        m: rank, n: extent, k: rank, a: a, lda: rank, b: rows, ldb: extent, beta: 1, c: target, ldc: extent)
    }
  }

  /// The products of Gram matrices that the structured product needs, for the factors as they are.
  private func computeNormals() {
    let (rank, grams) = (sweeps.rank, sweeps.grams)
    for mode in sweeps.extents.indices { mirrorUpperTriangle(grams[mode], order: rank) }
    func product(without modes: [Int]) -> [Double] {
      var product = [Double](repeating: 1, count: rank * rank)
      for mode in sweeps.extents.indices where !modes.contains(mode) {
        let gram = grams[mode]
        for i in product.indices { product[i] *= gram[i] }
      }
      return product
    }
    for mode in sweeps.extents.indices {
      normals[mode] = product(without: [mode])
      for other in sweeps.extents.indices where other != mode {
        pairs[mode][other] = other < mode ? pairs[other][mode] : product(without: [mode, other])
      }
    }
  }

  private func factorBlocks() -> Bool {
    let rank = sweeps.rank
    for mode in sweeps.extents.indices {
      blocks[mode] = normals[mode]
      let factored = blocks[mode].withUnsafeMutableBufferPointer { block -> Bool in
        guard let base = block.baseAddress else { return false }
        for r in 0..<rank { base[r * rank + r] += damping }
        return choleskyUpperInPlace(n: rank, base, lda: rank)
      }
      if !factored { return false }
    }
    return true
  }

  /// Conjugate gradients for the step; returns how far the linear model says that `||X - reconstruction||²` falls.
  private func solve() -> Double {
    var solution = [Double](repeating: 0, count: count)
    var remainder = gradient.map { -$0 }
    var conditioned = preconditioned(remainder)
    var direction = conditioned
    var product = [Double](repeating: 0, count: count)
    var slope = dot(remainder, conditioned)
    let goal = 1e-4 * slope
    for _ in 0..<Self.solverIterations where slope > goal {
      multiply(direction, into: &product)
      let curvature = dot(direction, product)
      guard curvature > 0, curvature.isFinite else { break }
      add(direction, times: slope / curvature, to: &solution)
      add(product, times: -slope / curvature, to: &remainder)
      conditioned = preconditioned(remainder)
      let next = dot(remainder, conditioned)
      add(direction, times: next / slope, to: &conditioned)
      (direction, slope) = (conditioned, next)
    }
    step = solution
    // 2 (-g p - 1/2 p^T J^T J p), where (J^T J + mu) p = -g - remainder.
    return -dot(gradient, step) + dot(remainder, step) + damping * dot(step, step)
  }

  /// `(J^T J + mu) p`, from the Gram matrices.
  private func multiply(_ vector: [Double], into result: inout [Double]) {
    let (rank, extents) = (sweeps.rank, sweeps.extents)
    vector.withUnsafeBufferPointer { vector in
      result.withUnsafeMutableBufferPointer { result in
        guard let p = vector.baseAddress, let y = result.baseAddress else { return }
        for mode in extents.indices {
          let extent = extents[mode]
          crossGrams[mode].withUnsafeMutableBufferPointer { cross in
            guard let cross = cross.baseAddress else { return }
            gemm(
              transposeB: true, m: rank, n: rank, k: extent, a: sweeps.rows[mode], lda: extent,
              b: p + offsets[mode], ldb: extent, c: cross, ldc: rank)
          }
        }
        for mode in extents.indices {
          let (extent, offset) = (extents[mode], offsets[mode])
          for i in offset..<offsets[mode + 1] { y[i] = damping * p[i] }
          accumulate(normals[mode], p + offset, extent, into: y + offset)
          mixGrams(mode)
          accumulate(mixed, UnsafePointer(sweeps.rows[mode]), extent, into: y + offset)
        }
      }
    }
  }

  /// `sum over other modes m of  (product of the Gram matrices of the modes that are neither) * crossGrams[m]`.
  private func mixGrams(_ mode: Int) {
    var sum = [Double](repeating: 0, count: sweeps.rank * sweeps.rank)
    for other in sweeps.extents.indices where other != mode {
      let (pair, cross) = (pairs[mode][other], crossGrams[other])
      for i in sum.indices { sum[i] += pair[i] * cross[i] }
    }
    mixed = sum
  }

  private func preconditioned(_ vector: [Double]) -> [Double] {
    var result = vector
    let rank = sweeps.rank
    result.withUnsafeMutableBufferPointer { result in
      guard let base = result.baseAddress else { return }
      for mode in sweeps.extents.indices {
        blocks[mode].withUnsafeBufferPointer { block in
          guard let block = block.baseAddress else { return }
          let extent = sweeps.extents[mode]
          solveCholeskyUpper(
            m: rank, n: extent, upper: block, ldu: rank, b: base + offsets[mode], ldb: extent)
        }
      }
    }
    return result
  }

}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sums = SIMD4<Double>()
  var i = 0
  while i + 4 <= a.count {
    let x = SIMD4(a[i], a[i + 1], a[i + 2], a[i + 3])
    sums += x * SIMD4(b[i], b[i + 1], b[i + 2], b[i + 3])
    i += 4
  }
  while i < a.count {
    sums[0] += a[i] * b[i]
    i += 1
  }
  return sums.sum()
}

/// `b = b + factor a`.
private func add(_ a: [Double], times factor: Double, to b: inout [Double]) {
  for i in b.indices { b[i] += factor * a[i] }
}

extension CPSweeps {
  /// The residual of the rows as they are, with all that the moments of the modes other than the first need.
  func evaluate() -> Double {
    for mode in extents.indices { updateGram(mode) }
    updateTaps()
    project()
    contractSecond()
    return residualEnergy()
  }
}
