import Decompose
import LinearAlgebra
import Forms
import Tensors
import TestSupport
import Testing

/// Kernels with no, one, two and three spatial axes, and awkward extents.
private let shapes: [Shape] = [
  [12, 7], [9, 16, 3], [16, 12, 3, 3], [13, 11, 5, 3], [8, 10, 2, 3, 2], [1, 6, 3, 3], [7, 1, 3, 3],
  [1, 1, 1, 1],
]

@Suite struct Tucker2Tests {
  @Test(arguments: shapes, Tucker2Algorithm.allCases)
  func errorIsTheDistanceToTheReconstruction(shape: Shape, algorithm: Tucker2Algorithm) throws {
    try check(Float.self, shape, algorithm)
    try check(Double.self, shape, algorithm)
  }

  private func check<E: LapackScalar>(_: E.Type, _ shape: Shape, _ algorithm: Tucker2Algorithm) throws {
    var generator = SeededGenerator(seed: 41)
    let kernel = Tensor<E>.decayingKernel(shape, using: &generator)
    for (r1, r2) in [(1, 1), ((shape[0] + 1) / 2, (shape[1] + 1) / 2), (shape[0], 1), (1, shape[1])] {
      let result = try tucker2(kernel, outputRank: r1, inputRank: r2, algorithm: algorithm)
      guard let factors = Tucker2Factors(result.kernel) else {
        Issue.record("not a Tucker-2 form")
        return
      }
      #expect(factors.core.shape.extents == [r1, r2] + shape.extents.dropFirst(2))
      #expect(orthonormalityDefect(factors.mode1) <= 50 * Double(E.ulpOfOne))
      #expect(orthonormalityDefect(factors.mode2) <= 50 * Double(E.ulpOfOne))
      let distance = distance(kernel, oracle(factors))
      // The certificate is summed in Double from a reconstruction in E: epsilon times the number of terms. Both
      // sums of squares round too, in another order: a root of their number of Double epsilons.
      let rounding = Double(shape.count).squareRoot() * Double.ulpOfOne
      #expect(abs(result.relativeError - distance) <= Double(r1 + r2) * Double(E.ulpOfOne) + rounding)
      let theory = try Tucker2Theory(kernel.converted(), outputRank: r1, inputRank: r2)
      checkBounds(result, distance, theory, algorithm)
    }
  }

  /// Holds the error measured, and the bound claimed, against what singular values say.
  ///
  /// Energies come out of Gram matrices, HOSVD's in Double of the kernel as it is, the others' of products in E too: a few
  /// epsilon of the whole for each of the T + S eigenvalues. The factors are rounded to E, which adds an epsilon for each of
  /// their T + S rows at most.
  private func checkBounds<E: LapackScalar>(
    _ result: Decomposition<E>, _ distance: Double, _ theory: Tucker2Theory, _ algorithm: Tucker2Algorithm
  ) {
    let rows = Double(result.kernel.kernelShape[0] + result.kernel.kernelShape[1])
    let (one, two) = theory.sequential
    let epsilon = algorithm == .hosvd ? Double.ulpOfOne : Double(E.ulpOfOne)
    let energies = 8 * rows * epsilon
    func most(_ squared: Double) -> Double { (squared + energies).squareRoot() + rows * Double(E.ulpOfOne) }
    // HOOI starts from the ST-HOSVD of either mode, extents being up to 32, and the nearer end counts.
    let (least, largest) =
      switch algorithm {
      case .hosvd: (theory.hosvd, theory.hosvd)
      case .stHOSVD: (one, one)
      case .hooi: (min(one, two), max(one, two))
      }
    #expect(distance <= most(least), "\(algorithm)")
    #expect(result.errorBound <= most(largest), "\(algorithm)")
    #expect(result.errorBound * result.errorBound >= least - energies, "\(algorithm)")
  }

  @Test(arguments: shapes, Tucker2Algorithm.allCases)
  func fullRanksReconstruct(shape: Shape, algorithm: Tucker2Algorithm) throws {
    var generator = SeededGenerator(seed: 42)
    let kernel = Tensor<Double>.decayingKernel(shape, using: &generator)
    let result = try tucker2(kernel, outputRank: shape[0], inputRank: shape[1], algorithm: algorithm)
    // Two orthogonal changes of basis and back: a few epsilon for each of the T + S terms.
    #expect(result.relativeError <= 10 * Double(shape[0] + shape[1]) * Double.ulpOfOne)
  }

  @Test(arguments: [[16, 12, 3, 3], [40, 30, 3], [33, 17, 2, 2]] as [Shape])
  func hooiNeverRaisesTheErrorAndEndsAtOrBelowTheOthers(shape: Shape) throws {
    var generator = SeededGenerator(seed: 43)
    let kernel = Tensor<Float>.decayingKernel(shape, using: &generator)
    for fraction in [0.25, 0.5, 0.75] {
      let r1 = max(1, Int(fraction * Double(shape[0])))
      let r2 = max(1, Int(fraction * Double(shape[1])))
      let hooi = try tucker2(kernel, outputRank: r1, inputRank: r2)
      let hosvd = try tucker2(kernel, outputRank: r1, inputRank: r2, algorithm: .hosvd)
      let sequential = try tucker2(kernel, outputRank: r1, inputRank: r2, algorithm: .stHOSVD)
      // Squared errors are differences of energies, each a sum of r products in Float of sums of `count / extent` ones.
      let errors = hooi.convergence.errors
      let slack =
        Double(Float.ulpOfOne) * Double(max(r1, r2) * shape.count / min(shape[0], shape[1])).squareRoot()
      #expect(zip(errors, errors.dropFirst()).allSatisfy { $1 * $1 <= $0 * $0 + slack })
      #expect(hooi.convergence.converged)
      // HOOI works inside a compression and stops at a tolerance: 1e-3 of the error is its stated reach.
      #expect(hooi.relativeError <= 1.001 * min(hosvd.relativeError, sequential.relativeError))
      // The HOSVD bound holds for whatever is optimal, hence sqrt(2) between HOSVD and HOOI.
      #expect(hosvd.relativeError <= 2.0.squareRoot() * hooi.relativeError * 1.001)
    }
  }

  @Test func anExactLowRankKernelIsFound() throws {
    var generator = SeededGenerator(seed: 44)
    let core = Tensor<Double>.random([3, 2, 3, 3], using: &generator)
    let u = Tensor<Double>.random([14, 3], using: &generator)
    let v = Tensor<Double>.random([9, 2], using: &generator)
    let kernel = Tucker2Factors(core: core, mode1: u, mode2: v).reconstructed()
    for algorithm in Tucker2Algorithm.allCases {
      let result = try tucker2(kernel, outputRank: 3, inputRank: 2, algorithm: algorithm)
      // The Gram matrix squares the condition: half the digits of Double at worst, far more here.
      #expect(result.relativeError < 1e-12)
    }
  }

  @Test func aZeroKernelHasNoError() throws {
    let kernel = Tensor<Float>(shape: [6, 5, 3, 3])
    for algorithm in Tucker2Algorithm.allCases {
      let result = try tucker2(kernel, outputRank: 2, inputRank: 3, algorithm: algorithm)
      #expect(result.relativeError == 0 && result.errorBound == 0)
      let reconstruction = result.kernel.reconstructed()
      #expect(reconstruction.elements.allSatisfy { $0 == 0 })
    }
  }

  @Test(arguments: [1e-30, 1e-18, 1e15] as [Float])
  func theScaleOfTheKernelDoesNotMatter(scale: Float) throws {
    var generator = SeededGenerator(seed: 45)
    let kernel = Tensor<Float>.decayingKernel([12, 10, 3, 3], using: &generator)
    let scaled = Tensor(shape: kernel.shape, elements: kernel.elements.map { $0 * scale })
    for algorithm in Tucker2Algorithm.allCases {
      let result = try tucker2(kernel, outputRank: 5, inputRank: 4, algorithm: algorithm)
      let other = try tucker2(scaled, outputRank: 5, inputRank: 4, algorithm: algorithm)
      #expect(abs(result.relativeError - other.relativeError) < 1e-4)
    }
  }

  @Test func whatCannotBeFactoredIsRefused() throws {
    let kernel = Tensor<Float>(shape: [4, 3, 3, 3], repeating: 1)
    for (r1, r2) in [(0, 1), (1, 0), (5, 1), (1, 4), (-1, 1)] {
      #expect(throws: DecomposeError.self) { try tucker2(kernel, outputRank: r1, inputRank: r2) }
    }
    for bad in [Float.nan, .infinity] {
      var broken = kernel
      broken[1, 2, 0, 1] = bad
      for algorithm in Tucker2Algorithm.allCases {
        #expect(throws: DecomposeError.notFinite(kernel: [4, 3, 3, 3])) {
          try tucker2(broken, outputRank: 2, inputRank: 2, algorithm: algorithm)
        }
      }
    }
    #expect(throws: DecomposeError.self) {
      try tucker2(Tensor<Float>(shape: [4, 0, 3]), outputRank: 1, inputRank: 1)
    }
    #expect(throws: DecomposeError.self) {
      try tucker2(Tensor<Float>(shape: [4]), outputRank: 1, inputRank: 1)
    }
  }

  /// The reconstruction by plain loops.
  private func oracle<E: Scalar>(_ f: Tucker2Factors<E>) -> Tensor<Double> {
    let wide = naiveProduct(f.mode1, f.core.unfolded(mode: 1))
    let half = wide.reshaped(Shape([f.mode1.shape[0], f.inputRank] + f.core.shape.extents.dropFirst(2)))
    let full = naiveProduct(f.mode2.converted(to: Double.self), half.unfolded(mode: 2))
    return Tensor.folded(full, mode: 2, shape: f.kernelShape)
  }

  private func distance<E: Scalar>(_ a: Tensor<E>, _ b: Tensor<Double>) -> Double {
    let squares = zip(a.elements, b.elements).map { (Double($0) - $1) * (Double($0) - $1) }
    return (squares.reduce(0, +) / a.elements.reduce(0) { $0 + Double($1) * Double($1) }).squareRoot()
  }
}
