import Decompose
import LinearAlgebra
import Forms
import Tensors
import TestSupport
import Testing

/// The spatial and channel forms and the SVD: closed forms whose error is the singular tail.
@Suite struct RankAnalysisTests {
  private static let planes: [Shape] = [
    [12, 7, 3, 3], [7, 12, 5, 3], [5, 4, 1, 3], [1, 6, 3, 3], [6, 1, 3, 3], [1, 1, 1, 1], [3, 2, 7, 1],
  ]

  @Test(arguments: planes, [false, true])
  func spatialErrorIsTheSingularTail(shape: Shape, mirrored: Bool) throws {
    try check(shape, rows: mirrored ? [0, 2] : [0, 3]) { kernel throws(DecomposeError) in
      try PairAnalysis(kernel, kind: mirrored ? .spatialMirrored : .spatial)
    } double: { kernel throws(DecomposeError) in
      try PairAnalysis(kernel, kind: mirrored ? .spatialMirrored : .spatial)
    }
  }

  @Test(arguments: planes + [[9, 7], [6, 5, 3], [4, 5, 2, 3, 2]], [false, true])
  func channelErrorIsTheSingularTail(shape: Shape, mirrored: Bool) throws {
    let rows = mirrored ? [0] + (2..<shape.order) : [0]
    try check(shape, rows: rows) { kernel throws(DecomposeError) in
      try PairAnalysis(kernel, kind: mirrored ? .channelMirrored : .channel)
    } double: { kernel throws(DecomposeError) in
      try PairAnalysis(kernel, kind: mirrored ? .channelMirrored : .channel)
    }
  }

  private func check<F: RankAnalysis<Float>, D: RankAnalysis<Double>>(
    _ shape: Shape, rows: [Int], float: (Tensor<Float>) throws(DecomposeError) -> F,
    double: (Tensor<Double>) throws(DecomposeError) -> D
  ) throws {
    var generator = SeededGenerator(seed: 71)
    let kernel = Tensor<Double>.decayingKernel(shape, using: &generator)
    try check(try double(kernel), rows: rows)
    try check(try float(kernel.converted()), rows: rows)
  }

  private func check<A: RankAnalysis>(_ analysis: A, rows: [Int]) throws {
    let kernel = analysis.kernel.converted(to: Double.self)
    let columns = (0..<kernel.shape.order).filter { !rows.contains($0) }
    let height = rows.reduce(1) { $0 * kernel.shape[$1] }
    let matrix = kernel.permuted(rows + columns).reshaped([height, kernel.count / height])
    let values = try matrix.singularValues()
    let total = values.reduce(0) { $0 + $1 * $1 }
    #expect(analysis.maximumRank == values.count)
    // Rounding of the factors to the element type, and of the Gram matrix's eigenvalues.
    let rounding = 20 * Double(A.Element.ulpOfOne)
    for rank in 1...values.count {
      let tail = (values.dropFirst(rank).reduce(0) { $0 + $1 * $1 } / total).squareRoot()
      #expect(abs(analysis.relativeError(rank: rank) - tail) <= rounding)
      let result = try analysis.decomposition(rank: rank)
      #expect(result.kernel.form == analysis.form(rank: rank))
      #expect(result.kernel.kernelShape == kernel.shape)
      #expect(relativeDistance(kernel, naiveReconstruction(result.kernel)) <= tail + rounding)
      #expect(abs(result.relativeError - tail) <= rounding)
      #expect(abs(result.errorBound - tail) <= rounding)
      if let chosen = analysis.rank(error: analysis.relativeError(rank: rank)) {
        #expect(chosen <= rank)
      } else {
        #expect(rank == values.count)
      }
    }
  }

  /// An even power of two: its root, which both factors get, is one too, and changes no digit.
  @Test(arguments: [0x1p-566, 0x1p-100, 0x1p100, 0x1p500])
  func theScaleOfTheKernelDoesNotMatter(scale: Double) throws {
    var generator = SeededGenerator(seed: 73)
    let kernel = Tensor<Double>.decayingKernel([12, 9, 3, 3], using: &generator)
    let matrix = Tensor<Double>.decayingKernel([14, 11], using: &generator)
    for kind in [FormKind.spatial, .channel] {
      try compare(
        try PairAnalysis(kernel, kind: kind), try PairAnalysis(kernel.times(scale), kind: kind), scale)
    }
    try compare(try MatrixAnalysis(matrix), try MatrixAnalysis(matrix.times(scale)), scale)
  }

  private func compare<A: RankAnalysis>(_ one: A, _ two: A, _ scale: Double) throws {
    for part in [0.3, 0.9, 0.999] {
      #expect(one.rank(energy: part) == two.rank(energy: part))
      #expect(one.rank(error: 1 - part) == two.rank(error: 1 - part))
    }
    #expect(one.variationalRank.rank == two.variationalRank.rank)
    #expect(one.variationalRank.threshold * scale == two.variationalRank.threshold)
    for rank in [1, 4, one.maximumRank] {
      #expect(one.relativeError(rank: rank) == two.relativeError(rank: rank))
      let (a, b) = (try one.decomposition(rank: rank), try two.decomposition(rank: rank))
      #expect(a.errorBound == b.errorBound && a.relativeError == b.relativeError)
    }
  }

  @Test func theBetterOrientationIsTaken() throws {
    var generator = SeededGenerator(seed: 72)
    let vertical = Tensor<Double>.random([2, 6, 5, 1], using: &generator)
    let horizontal = Tensor<Double>.random([8, 2, 1, 3], using: &generator)
    let exact = FactoredKernel.pair(
      StagePair(
        first: vertical, second: horizontal, form: .spatial(rank: 2), kernelShape: [8, 6, 5, 3]))
    let kernel = naiveReconstruction(exact)
    let result = try spatial(kernel, rank: 2)
    #expect(result.kernel.form == .spatial(rank: 2))
    #expect(result.relativeError < 1e-14)
    let turned = try spatial(kernel.permuted([0, 1, 3, 2]), rank: 2)
    #expect(turned.kernel.form == .spatial(rank: 2, mirrored: true))
    #expect(turned.relativeError < 1e-14)
    let narrow = try channel(Tensor<Float>.random([3, 20, 3, 3], using: &generator), rank: 10)
    #expect(narrow.kernel.form == .channel(rank: 10, mirrored: true))
  }

  @Test(arguments: [1e-30, 1e-18, 1e18, 1e30] as [Double])
  func theScaleDoesNotMatter(scale: Double) throws {
    var generator = SeededGenerator(seed: 73)
    let kernel = Tensor<Double>.decayingKernel([10, 8, 3, 3], using: &generator)
    let scaled = Tensor<Float>(shape: kernel.shape, elements: kernel.elements.map { Float($0 * scale) })
    let extreme = Tensor<Double>(
      shape: kernel.shape, elements: kernel.elements.map { $0 * (scale < 1 ? 1e-250 : 1e250) })
    for rank in [1, 5, 8] {
      let expected = try spatial(kernel, rank: rank, mirrored: false).relativeError
      #expect(abs(try spatial(scaled, rank: rank, mirrored: false).relativeError - expected) < 1e-5)
      #expect(abs(try spatial(extreme, rank: rank, mirrored: false).relativeError - expected) < 1e-12)
    }
  }

  @Test func aZeroKernelHasNoError() throws {
    let kernel = Tensor<Float>(shape: [4, 3, 3, 3])
    for result in [try spatial(kernel, rank: 2), try channel(kernel, rank: 2)] {
      #expect(result.relativeError == 0 && result.errorBound == 0)
      #expect(result.kernel.reconstructed().elements.allSatisfy { $0 == 0 })
    }
  }

  @Test func whatCannotBeFactoredIsRefused() throws {
    let kernel = Tensor<Float>(shape: [4, 3, 3, 3], repeating: 1)
    #expect(throws: DecomposeError.self) { try spatial(kernel, rank: 0) }
    #expect(throws: DecomposeError.self) { try spatial(kernel, rank: 10) }
    #expect(throws: DecomposeError.self) { try channel(kernel, rank: 5) }
    #expect(throws: DecomposeError.self) {
      try spatial(Tensor<Float>(shape: [4, 3, 3], repeating: 1), rank: 1)
    }
    var broken = kernel
    broken[0, 0, 0, 0] = .nan
    #expect(throws: DecomposeError.notFinite(kernel: kernel.shape)) { try spatial(broken, rank: 1) }
    #expect(throws: DecomposeError.notFinite(kernel: kernel.shape)) { try channel(broken, rank: 1) }
  }
}
