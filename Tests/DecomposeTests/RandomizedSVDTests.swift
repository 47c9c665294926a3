import Decompose
import LinearAlgebra
import Tensors
import TestSupport
import Testing

@Suite struct RandomizedSVDTests {
  private static let shapes: [Shape] = [[60, 90], [90, 60], [40, 40, 1, 1], [1, 12], [12, 1], [1, 1]]

  private func kernel(_ shape: Shape) -> Tensor<Double> {
    var generator = SeededGenerator(seed: 121)
    return .decayingKernel(shape, using: &generator)
  }

  private func tails(_ kernel: Tensor<Double>) throws -> [Double] {
    let values = try kernel.reshaped([kernel.shape[0], kernel.shape[1]]).singularValues()
    let total = values.reduce(0) { $0 + $1 * $1 }
    return (0...values.count).map { rank in
      (values.dropFirst(rank).reduce(0) { $0 + $1 * $1 } / total).squareRoot()
    }
  }

  @Test(arguments: shapes)
  func theErrorIsNearTheSingularTail(shape: Shape) throws {
    let kernel = kernel(shape)
    let tails = try tails(kernel)
    for rank in Set([1, min(5, tails.count - 1), tails.count - 1]) {
      for seed in 1...3 as ClosedRange<UInt64> {
        try check(try randomizedSVD(kernel, rank: rank, seed: seed), kernel, rank, tails[rank])
        try check(
          try randomizedSVD(kernel.converted(to: Float.self), rank: rank, seed: seed), kernel, rank,
          tails[rank])
      }
    }
  }

  private func check<E: LapackScalar>(
    _ result: Decomposition<E>, _ kernel: Tensor<Double>, _ rank: Int, _ tail: Double
  ) throws {
    #expect(result.kernel.form == .svd(rank: rank))
    #expect(abs(result.relativeError - relativeDistance(kernel, naiveReconstruction(result.kernel))) < 1e-6)
    // No approximation of its rank is nearer; two power iterations and ten rows more come within a few percent.
    #expect(result.relativeError >= tail - 20 * Double(E.ulpOfOne))
    #expect(result.relativeError <= 1.05 * tail + 20 * Double(E.ulpOfOne))
    // The rest of the spectrum is not known.
    #expect(result.errorBound == result.relativeError)
  }

  @Test(arguments: shapes, [0.5, 0.2, 0.05, 0])
  func anErrorIsMetWithASmallRank(shape: Shape, error: Double) throws {
    let kernel = kernel(shape)
    let tails = try tails(kernel)
    let best = tails.firstIndex { $0 <= error } ?? tails.count - 1
    let result = try randomizedSVD(kernel, error: error, block: 8)
    // Where all of the matrix is asked for, rounding is left: the energy's in the sum of squares.
    #expect(result.relativeError <= error + 1e-7)
    #expect(result.kernel.form.ranks[0] >= min(best, tails.count - 1))
    #expect(result.kernel.form.ranks[0] <= max(1, best) + 2 + best / 10 || error == 0)
  }

  @Test func anExactMatrixIsFoundWithItsRank() throws {
    var generator = SeededGenerator(seed: 122)
    let left = Tensor<Double>.random([70, 6], using: &generator)
    let right = Tensor<Double>.random([6, 50], using: &generator)
    let result = try randomizedSVD(matrixProduct(left, right), error: 1e-6, block: 4)
    #expect(result.kernel.form == .svd(rank: 6))
    #expect(result.relativeError < 1e-12)
  }

  @Test func zeroAndExtremeKernels() throws {
    #expect(try randomizedSVD(Tensor<Float>(shape: [9, 7]), rank: 3).relativeError == 0)
    #expect(try randomizedSVD(Tensor<Float>(shape: [9, 7]), error: 0.1).relativeError == 0)
    let expected = try randomizedSVD(kernel([30, 20]), rank: 4).relativeError
    for scale in [1e-30, 1e30] {
      let scaled = Tensor<Float>(
        shape: [30, 20], elements: kernel([30, 20]).elements.map { Float($0 * scale) })
      #expect(abs(try randomizedSVD(scaled, rank: 4).relativeError - expected) < 1e-4)
    }
    #expect(throws: DecomposeError.self) { try randomizedSVD(Tensor<Float>(shape: [3, 3]), rank: 4) }
    #expect(throws: DecomposeError.self) { try randomizedSVD(Tensor<Float>(shape: [3, 3, 3, 3]), rank: 1) }
  }

  @Test func theSameSeedGivesTheSameFactors() throws {
    let kernel = kernel([60, 90])
    let (a, b) = (try randomizedSVD(kernel, rank: 7), try randomizedSVD(kernel, rank: 7))
    #expect(a.kernel.stageWeights == b.kernel.stageWeights)
  }
}
