import Decompose
import Forms
import TensorFiles
import Tensors
import TestSupport
import Testing

/// What holds for CP factors however the iterations go: never worse than zero or the start, exact at the largest rank.
@Suite struct CPGuardTests {
  private func kernel() throws -> Tensor<Double> {
    guard case .double(let kernel) = try NPYFile(contentsOf: Vectors.path("kernel-cp-cancelling.npy")).tensor
    else {
      Issue.record("not a Double kernel")
      return Tensor(shape: [1, 1, 1, 1])
    }
    return kernel
  }

  /// More terms than the kernel has: the normal equations are singular, and terms that cancel grow without limit.
  @Test(arguments: [20, 24, 25, 26, 27], CPAlgorithm.allCases)
  func moreTermsThanTheKernelHas(rank: Int, algorithm: CPAlgorithm) throws {
    let kernel = try kernel()
    for refinements in [0, 20] {
      let options = CPOptions(algorithm: algorithm, refinements: refinements)
      for result in [
        try cp3(kernel, rank: rank, options: options), try cp4(kernel, rank: rank, options: options),
      ] {
        let error = relativeDistance(kernel, naiveReconstruction(result.kernel))
        #expect(error < 0.3)
        #expect(result.certificate.largestComponentNorm <= 5)
        // Sums of `rank` terms of at most 5 norms each.
        #expect(abs(result.certificate.relativeError - error) <= 50 * Double(rank) * Double.ulpOfOne)
      }
    }
  }

  /// Numbers of random bits, as in a model of random bytes: two thirds of them are under 2^-60 of the largest. Products of
  /// those leave the normal numbers, on which arithmetic took 18 times as long; to the factors they are nothing.
  @Test func numbersFarBelowTheLargestCountAsNothing() throws {
    var generator = SeededGenerator(seed: 413)
    let bits = Tensor<Float>(shape: [6, 5, 3, 3]) { target in
      for i in target.indices {
        let number = Float(bitPattern: UInt32(truncatingIfNeeded: generator.next()))
        target[i] = number.isFinite ? number : 0
      }
    }
    let largest = bits.elements.reduce(0) { max($0, $1.magnitude) }
    var few = bits
    few.withMutableSpan { span in
      for i in span.indices where span[i].magnitude < largest * 0x1p-62 { span[i] = 0 }
    }
    for rank in [2, 5, 30] {
      let (all, some) = (try cp3(bits, rank: rank), try cp3(few, rank: rank))
      #expect(all.kernel.parts == some.kernel.parts)
      #expect(all.kernel.parts.allSatisfy { $0.elements.allSatisfy { $0 == 0 || $0.isNormal } })
    }
  }

  @Test(
    arguments: [[3, 9, 3, 4], [7, 5, 1, 3], [4, 3, 5, 5], [1, 6, 2, 1]] as [Shape], AwkwardKernel.allCases)
  func theLargestRankIsExact(shape: Shape, kind: AwkwardKernel) throws {
    var generator = SeededGenerator(seed: 411)
    for power in [1, 0x1p-90, 0x1p90] as [Float] {
      let kernel = kind.make(shape, Float.self, using: &generator).times(power)
      let taps = shape[2] * shape[3]
      let three = try cp3(kernel, rank: shape.count / max(shape[0], shape[1], taps))
      let four = try cp4(kernel, rank: shape.count / (shape.extents.max() ?? 1))
      for result in [three, four] {
        // Three or four factors of each number, each rounded once, and the rounding of their product.
        #expect(result.certificate.relativeError <= 4 * Double(Float.ulpOfOne))
      }
    }
  }

  @Test(arguments: AwkwardKernel.allCases, CPStart.allCases)
  func neverWorseThanZero(kind: AwkwardKernel, start: CPStart) throws {
    for (seed, shape) in zip(
      412..<432 as Range<UInt64>, [[3, 9, 3, 4], [8, 5, 5, 1], [11, 1, 3, 2]] as [Shape])
    {
      var generator = SeededGenerator(seed: seed)
      let kernel = kind.make(shape, Double.self, using: &generator).times(1e30)
      let limit = shape.count / (shape.extents.max() ?? 1)
      for rank in [1, 2, limit / 2, limit - 2, limit - 1] where rank >= 1 {
        let options = CPOptions(start: start)
        for result in [
          try cp3(kernel, rank: min(rank, shape[0] * shape[1]), options: options),
          try cp4(kernel, rank: rank, options: options),
        ] {
          // A sum of at most `limit` terms, each of that norm at most.
          let rounding =
            50 * Double(limit) * Double.ulpOfOne * max(1, result.certificate.largestComponentNorm)
          let error = relativeDistance(kernel, naiveReconstruction(result.kernel))
          #expect(error <= 1 + rounding)
          #expect(abs(error - result.certificate.relativeError) <= rounding, "rank \(rank) of \(shape)")
        }
      }
    }
  }

  /// In single precision a residual is known to the root of epsilon, 3e-4; the factors are not that far off.
  @Test func anExactKernelIsFoundBelowTheRootOfEpsilon() throws {
    var generator = SeededGenerator(seed: 433)
    let factors = FactoredKernel.cp3(
      CP3Factors(
        mode1: Tensor<Double>.random([14, 3], using: &generator), mode2: .random([10, 3], using: &generator),
        kernel: .random([3, 3, 3], using: &generator)))
    let kernel = naiveReconstruction(factors).converted(to: Float.self)
    let options = CPOptions(iterations: 400, tolerance: 1e-9)
    #expect(try cp3(kernel, rank: 3, options: options).certificate.relativeError < 1e-5)
  }
}
