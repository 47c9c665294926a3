import Decompose
import LinearAlgebra
import Forms
import Tensors
import TestSupport
import Testing

/// The tensor power method, Levenberg-Marquardt, the correction of unstable terms, restarts.
@Suite struct CPAlgorithmTests {
  /// A sum of `rank` random terms.
  private func exactKernel(_ shape: Shape, rank: Int, seed: UInt64) -> Tensor<Double> {
    var generator = SeededGenerator(seed: seed)
    return naiveReconstruction(
      .cp3(
        CP3Factors(
          mode1: Tensor<Double>.random([shape[0], rank], using: &generator),
          mode2: .random([shape[1], rank], using: &generator),
          kernel: .random(Shape([rank] + shape.extents.dropFirst(2)), using: &generator))))
  }

  @Test(arguments: [[12, 9, 3, 3], [6, 11, 4], [8, 8, 2, 3, 2], [1, 5, 3, 3], [5, 1, 3, 3]] as [Shape])
  func thePowerMethodFindsTermsThatSweepsImprove(shape: Shape) throws {
    var generator = SeededGenerator(seed: 111)
    let kernel = Tensor<Float>.decayingKernel(shape, using: &generator)
    var former = Double.infinity
    for rank in [1, 2, 4] {
      var options = CPOptions(algorithm: .tensorPower, iterations: 1)
      let greedy = try cp3(kernel, rank: rank, options: options)
      options.iterations = 60
      let swept = try cp3(kernel, rank: rank, options: options)
      #expect(swept.certificate.relativeError <= greedy.certificate.relativeError + 1e-6)
      // A further term never leaves more behind.
      #expect(greedy.certificate.relativeError <= former + 1e-6)
      former = greedy.certificate.relativeError
    }
  }

  @Test func aSingleTermIsTheBestOne() throws {
    // An orthogonal sum: its best rank-one approximation is its largest term, and so on.
    var kernel = Tensor<Double>(shape: [4, 4, 2, 2])
    for (index, weight) in [4.0, 3, 2, 1].enumerated() { kernel[index, index, index / 2, index % 2] = weight }
    let total = 30.0
    for (rank, kept) in [(1, 16.0), (2, 25), (3, 29), (4, 30)] {
      let options = CPOptions(algorithm: .tensorPower)
      let error = try cp4(kernel, rank: rank, options: options).certificate.relativeError
      #expect(abs(error - ((total - kept) / total).squareRoot()) < 1e-7)
    }
  }

  /// The weakest term lies outside the compressed core, where iterations on the core leave its component at rounding.
  @Test func aTermOutsideTheCoreIsFound() throws {
    var kernel = Tensor<Float>(shape: [4, 4, 2, 2])
    for (index, weight) in [Float(4), 3, 2, 1].enumerated() {
      kernel[index, index, index / 2, index % 2] = weight
    }
    for algorithm in [CPAlgorithm.tensorPower, .als] {
      let error = try cp4(kernel, rank: 4, options: CPOptions(algorithm: algorithm)).certificate.relativeError
      // The residual that ends the iterations rounds at the root of epsilon.
      #expect(error < Double(Float.ulpOfOne.squareRoot()))
    }
  }

  @Test func levenbergMarquardtReachesAnExactKernelToRounding() throws {
    let kernel = exactKernel([11, 9, 3, 3], rank: 5, seed: 112)
    let coarse = CPOptions(iterations: 10, tolerance: 0, componentCap: nil)
    var fine = coarse
    fine.refinements = 60
    let before = try cp3(kernel, rank: 5, options: coarse).certificate.relativeError
    let after = try cp3(kernel, rank: 5, options: fine)
    // The residual is a difference of squares in Double: about the root of epsilon is as far as steps can tell.
    #expect(after.certificate.relativeError < 1e-7)
    #expect(before > 1e-3)
    // Squared errors are differences of energies in Double, of 5 terms.
    let errors = after.convergence.errors
    #expect(zip(errors, errors.dropFirst()).allSatisfy { $1 * $1 <= $0 * $0 + 50 * Double.ulpOfOne })
  }

  @Test(arguments: [3, 8, 20])
  func levenbergMarquardtNeverRaisesTheError(rank: Int) throws {
    var generator = SeededGenerator(seed: 113)
    let kernel = Tensor<Float>.decayingKernel([16, 14, 3, 3], using: &generator)
    let plain = CPOptions(iterations: 20, componentCap: nil)
    var refined = plain
    refined.refinements = 15
    for form in [cp3, cp4]
      as [(Tensor<Float>, Int, CPOptions) throws(DecomposeError) -> CPDecomposition<Float>]
    {
      let before = try form(kernel, rank, plain).certificate.relativeError
      let after = try form(kernel, rank, refined).certificate.relativeError
      #expect(after <= before * (1 + 1e-5))
    }
  }

  /// Two nearly parallel terms of opposite sign: what a search for a best approximation that does not exist runs into.
  private func degenerateKernel() -> Tensor<Double> {
    var generator = SeededGenerator(seed: 114)
    var kernel = Tensor<Double>(shape: [6, 6, 3, 1])
    for (t, s, d) in [(0, 0, 1), (0, 1, 0), (1, 0, 0)] { kernel[t, s, d, 0] = 1 }
    for i in 0..<6 {
      for j in 0..<6 { kernel[i, j, 2, 0] += 0.02 * Double.random(in: -1...1, using: &generator) }
    }
    return kernel
  }

  @Test func theCorrectionLowersTheSensitivityAtABoundedError() throws {
    let kernel = degenerateKernel()
    let free = CPOptions(
      start: .random, iterations: 2000, tolerance: 0, refinements: 50, componentCap: nil, seed: 3)
    var capped = free
    capped.componentCap = 2
    capped.errorIncrease = 0.05
    let wild = try cp3(kernel, rank: 2, options: free).certificate
    let tame = try cp3(kernel, rank: 2, options: capped).certificate
    #expect(wild.largestComponentNorm > 2)
    #expect(tame.sensitivity < wild.sensitivity)
    #expect(tame.largestComponentNorm < wild.largestComponentNorm)
    // The bound itself, and rounding.
    #expect(tame.relativeError <= 1.05 * wild.relativeError * (1 + 1e-6) + 1e-9)
  }

  @Test func restartsHelpOnAverage() throws {
    var generator = SeededGenerator(seed: 115)
    let kernel = Tensor<Float>.decayingKernel([12, 10, 3, 3], using: &generator)
    func meanError(restarts: Int) throws -> Double {
      try (1...6).reduce(0) { sum, seed in
        let options = CPOptions(start: .random, iterations: 40, restarts: restarts, seed: UInt64(seed))
        return sum + (try cp3(kernel, rank: 6, options: options).certificate.relativeError) / 6
      }
    }
    // One search may end better by luck; the mean over seeds does not.
    #expect(try meanError(restarts: 6) <= meanError(restarts: 1))
  }

  @Test func compressionChangesLittle() throws {
    var generator = SeededGenerator(seed: 116)
    let kernel = Tensor<Float>.decayingKernel([48, 40, 3, 3], using: &generator)
    var options = CPOptions(iterations: 100)
    let inside = try cp3(kernel, rank: 12, options: options).certificate.relativeError
    options.compresses = false
    let outside = try cp3(kernel, rank: 12, options: options).certificate.relativeError
    // Both end in local optima of the same kernel; measured within 1 % of each other here.
    #expect(inside <= 1.05 * outside)
  }
}
