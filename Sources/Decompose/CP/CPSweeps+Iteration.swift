import LinearAlgebra
import Tensors

extension CPSweeps {
  /// The proximal term, as a part of the diagonal of the normal equations.
  static var damping: Double { 8 * Double(Element.ulpOfOne) }

  /// One iteration: every factor updated, the terms' lengths moved into mode 1.
  ///
  /// Begins `beta` beyond the last step where `beta` is not 0.
  ///
  /// Returns `||X - reconstruction||²`, from the moments of the last update: exact to rounding of `||X||²`.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  func iterate(beta: Double) -> Double {
    copyRows(from: rows[0], to: former[0], mode: 0)
    for mode in 1..<extents.count {
      extrapolate(rows[mode], former[mode], by: Element(beta), count: rank * extents[mode])
      updateGram(mode)
    }
    updateTaps()
    updateFirst()
    project()
    updateSecond()
    updateSpatial()
    let residual = residualEnergy()
    moveLengths()
    return residual
  }

  /// Puts the factors back to what they were before the last iteration.
  func restoreFormer() {
    for mode in extents.indices { copyRows(from: former[mode], to: rows[mode], mode: mode) }
  }

  /// Sets the factors; the next iteration begins there, without a last step.
  func load(_ model: CPModel<Element>) {
    for (mode, factor) in model.modes.enumerated() {
      copy(factor, to: rows[mode])
      copy(factor, to: former[mode])
    }
    updateTaps()
    for mode in extents.indices { updateGram(mode) }
  }

  /// The factors as they are.
  func model() -> CPModel<Element> {
    CPModel(
      modes: extents.indices.map { mode in
        let extent = extents[mode]
        return Tensor(
          shape: [rank, extent],
          elements: UnsafeBufferPointer(start: rows[mode], count: rank * extent))
      })
  }

  /// Mode 1 by the whole tensor.
  private func updateFirst() {
    firstMoments()
    solve(0)
  }

  /// `moments` of mode 1: the tensor with the Khatri-Rao product of the other modes, which takes the place of `terms`.
  func firstMoments() {
    let width = taps * inputs
    expandTerms(rank: rank, taps: taps, extent: inputs, tapRows, rows[1], into: terms)
    gemm(
      transposeB: true, m: rank, n: outputs, k: width, a: terms, lda: width, b: tensor, ldb: width,
      c: moments,
      ldc: outputs)
  }

  /// `terms = rows[0] X`: all that the other modes need of the tensor.
  func project() {
    let width = taps * inputs
    gemm(
      m: rank, n: width, k: outputs, a: rows[0], lda: outputs, b: tensor, ldb: width, c: terms, ldc: width)
  }

  private func updateSecond() {
    secondMoments()
    solve(1)
  }

  /// `moments` of mode 2 from the projected tensor.
  func secondMoments() {
    batchedGemv(
      count: rank, transposed: true, m: taps, n: inputs, a: terms, lda: inputs, x: tapRows, y: moments)
  }

  /// The spatial modes, all from one contraction with modes 1 and 2.
  private func updateSpatial() {
    contractSecond()
    for mode in 2..<extents.count {
      spatialMoments(mode)
      solve(mode)
    }
    updateTaps()
  }

  /// `moments` of a spatial mode from the tensor contracted with modes 1 and 2.
  func spatialMoments(_ mode: Int) {
    if spatial.count == 1 {
      moments.update(from: tapMoments, count: rank * taps)
    } else {
      contractRows(
        rank: rank, spatial[0], spatial[1], tapMoments, with: rows[5 - mode], alongLast: mode == 2,
        into: moments)
    }
  }

  /// `tapMoments[r, d] = sum over s of  terms[r, d, s] rows[1][r, s]`.
  func contractSecond() {
    batchedGemv(count: rank, m: taps, n: inputs, a: terms, lda: inputs, x: rows[1], y: tapMoments)
  }

  /// The outer products of the spatial rows.
  func updateTaps() {
    guard spatial.count == 2 else { return }
    expandTerms(rank: rank, taps: spatial[0], extent: spatial[1], rows[2], rows[3], into: tapRows)
  }

  /// `||X||² - 2 <X, reconstruction> + ||reconstruction||²`; `tapMoments` must be those of the modes 1 and 2.
  ///
  /// Infinite where the terms are so large, and so cancel each other, that rounding leaves nothing of it: each adds an
  /// epsilon of its own energy.
  func residualEnergy() -> Double {
    let cross = innerProduct(tapMoments, tapRows, count: rank * taps)
    formNormal(extents.count - 1)
    let last = grams[extents.count - 1]
    let norm = symmetricInnerProduct(normal, last, order: rank)
    let terms = (0..<rank).reduce(0) { $0 + normal[$1 * rank + $1] * Double(last[$1 * rank + $1]) }
    guard terms * Double(Element.ulpOfOne) < 1e-2 * energy else { return .infinity }
    return energy - 2 * cross + norm
  }

  /// The rows of all modes but the first to length 1, so that no mode's drift to the range's ends and steps compare.
  private func moveLengths() {
    for r in 0..<rank { weights[r] = 1 }
    for mode in 1..<extents.count {
      normalizeRows(rank: rank, extent: extents[mode], rows[mode], lengths: weights)
    }
    scaleRows(rank: rank, extent: outputs, rows[0], by: weights)
    updateTaps()
  }

  func updateGram(_ mode: Int) {
    syrkUpper(n: rank, k: extents[mode], a: rows[mode], lda: extents[mode], c: grams[mode], ldc: rank)
  }

  /// The product of the Gram matrices of all modes but one, the normal equations of that one: the upper triangle.
  func formNormal(_ mode: Int) {
    let others = extents.indices.filter { $0 != mode }
    multiplyUpper(grams[others[0]], grams[others[1]], order: rank, into: normal)
    for other in others.dropFirst(2) { multiplyUpper(normal, by: grams[other], order: rank) }
  }

  /// Solves the normal equations of a mode for the moments in `moments`, near the factor as it is.
  private func solve(_ mode: Int) {
    let extent = extents[mode]
    var damping = Self.damping
    var added = false
    repeat {
      formNormal(mode)
      var largest = 0.0
      for r in 0..<rank { largest = max(largest, normal[r * rank + r]) }
      guard largest > 0, largest.isFinite else { return }
      for r in 0..<rank {
        weights[r] = damping * max(normal[r * rank + r], 1e-6 * largest)
        normal[r * rank + r] += weights[r]
      }
      if choleskyUpperInPlace(n: rank, normal, lda: rank) { added = true } else { damping *= 100 }
    } while !added && damping < 1e3
    guard added else { return }
    addScaledRows(rank: rank, extent: extent, rows[mode], weights: weights, to: moments)
    convert(normal, to: triangle, count: rank * rank)
    solveCholeskyUpper(m: rank, n: extent, upper: triangle, ldu: rank, b: moments, ldb: extent)
    copyRows(from: moments, to: rows[mode], mode: mode)
    updateGram(mode)
  }

  private func copyRows(
    from source: UnsafeMutablePointer<Element>, to target: UnsafeMutablePointer<Element>, mode: Int
  ) {
    target.update(from: source, count: rank * extents[mode])
  }
}

/// The elements of a tensor in memory of an iteration's own.
func copy<Element: Scalar>(_ tensor: Tensor<Element>, to target: UnsafeMutablePointer<Element>) {
  tensor.withSpan { span in
    span.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      target.update(from: base, count: source.count)
    }
  }
}
