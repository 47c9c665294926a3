import Decompose
import Tensors
import TestSupport
import Testing

@Suite struct TruncatedSVDTests {
  @Test(arguments: [[10, 6], [6, 10, 1, 1], [5, 5, 1], [1, 8], [8, 1, 1, 1, 1]] as [Shape])
  func theErrorIsTheTail(shape: Shape) throws {
    var generator = SeededGenerator(seed: 61)
    let kernel = Tensor<Float>.decayingKernel(shape, using: &generator)
    let values = try kernel.reshaped([shape[0], shape[1]]).converted(to: Double.self).singularValues()
    let total = values.reduce(0) { $0 + $1 * $1 }
    for rank in 1...min(shape[0], shape[1]) {
      let result = try truncatedSVD(kernel, rank: rank)
      #expect(result.kernel.form == .svd(rank: rank))
      let tail = (values.dropFirst(rank).reduce(0) { $0 + $1 * $1 } / total).squareRoot()
      let rounding = 20 * Double(Float.ulpOfOne)
      #expect(relativeDistance(kernel, naiveReconstruction(result.kernel)) <= tail + rounding)
      #expect(abs(result.relativeError - tail) <= rounding)
      #expect(abs(result.errorBound - tail) <= rounding)
      #expect(result.kernel.reconstructed().shape == shape)
    }
  }

  @Test func kernelsWithSpatialExtentsAreRefused() {
    #expect(throws: DecomposeError.self) {
      try truncatedSVD(Tensor<Float>(shape: [3, 3, 3, 3], repeating: 1), rank: 1)
    }
    #expect(throws: DecomposeError.self) {
      try truncatedSVD(Tensor<Float>(shape: [3, 3], repeating: 1), rank: 4)
    }
    #expect(throws: DecomposeError.self) {
      try truncatedSVD(Tensor<Float>(shape: [3, 3], repeating: .nan), rank: 1)
    }
  }

  /// Numbers whose products leave the range are an error, or are scaled so that they stay in it: never a NaN.
  @Test(arguments: [Float.leastNonzeroMagnitude, 1e-38, 1e-30, 1e30, 1e37, 3e38] as [Float])
  func extremeNumbersNeverMakeNaN(size: Float) throws {
    var generator = SeededGenerator(seed: 62)
    let kernel = Tensor<Float>.random([6, 5, 3, 3], using: &generator)
    // A constant: closures over a variable crash Swift 6.3's capture promotion.
    let extreme = Tensor<Float>(shape: kernel.shape, elements: kernel.elements.map { $0 * size })
    for method in 0..<4 {
      do throws(DecomposeError) {
        let result = try decomposition(extreme, method: method)
        #expect(result.relativeError.isFinite && result.errorBound.isFinite)
        #expect(result.kernel.stageWeights.allSatisfy { $0.elements.allSatisfy { $0.isFinite } })
      } catch {
        #expect(error.description.contains("too large, too small"))
      }
    }
  }

  private func decomposition(
    _ kernel: Tensor<Float>, method: Int
  ) throws(DecomposeError) -> Decomposition<Float> {
    switch method {
    case 0: try tucker2(kernel, outputRank: 3, inputRank: 2)
    case 1: try tucker2(kernel, outputRank: 3, inputRank: 2, algorithm: .hosvd)
    case 2: try PairAnalysis(kernel, kind: .spatial).decomposition(rank: 3)
    default: try truncatedSVD(kernel.reshaped([30, 9]), rank: 2)
    }
  }
}
