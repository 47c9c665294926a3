import Decompose
import LinearAlgebra
import Forms
import Tensors
import TestSupport
import Testing

private let planes: [Shape] = [
  [12, 9, 3, 3], [7, 11, 5, 3], [13, 4, 1, 3], [1, 6, 3, 3], [6, 1, 3, 3], [1, 1, 1, 1], [2, 3, 7, 1],
]

@Suite struct CPTests {
  @Test(arguments: planes + [[9, 7, 3], [5, 4, 2, 3, 2]], CPStart.allCases)
  func theCertificateIsTheDistanceToTheReconstruction(shape: Shape, start: CPStart) throws {
    try check(Float.self, shape, start)
    try check(Double.self, shape, start)
  }

  private func check<E: LapackScalar>(_: E.Type, _ shape: Shape, _ start: CPStart) throws {
    var generator = SeededGenerator(seed: 91)
    let kernel = Tensor<E>.decayingKernel(shape, using: &generator)
    let limit = min(8, shape.count / max(shape[0], shape[1], shape.count / (shape[0] * shape[1])))
    for rank in Set([1, (limit + 1) / 2, limit]) {
      try check(try cp3(kernel, rank: rank, options: CPOptions(start: start)), kernel, .cp3(rank: rank))
      guard shape.order == 4 else { continue }
      try check(try cp4(kernel, rank: rank, options: CPOptions(start: start)), kernel, .cp4(rank: rank))
    }
  }

  private func check<E: LapackScalar>(
    _ result: CPDecomposition<E>, _ kernel: Tensor<E>, _ form: FactoredForm
  ) throws {
    #expect(result.kernel.form == form && result.kernel.kernelShape == kernel.shape)
    let error = relativeDistance(kernel, naiveReconstruction(result.kernel))
    // The certificate is summed in Double from a reconstruction in E, of at most 8 terms each of that norm.
    let rounding = 50 * Double(E.ulpOfOne) * max(1, result.certificate.largestComponentNorm)
    #expect(abs(result.certificate.relativeError - error) <= rounding)
    #expect(result.certificate.relativeError <= 1 + rounding)
    // Squared errors are differences of energies: each adds an epsilon for each of at most 8 terms.
    let errors = result.convergence.errors
    #expect(zip(errors, errors.dropFirst()).allSatisfy { $1 * $1 <= $0 * $0 + rounding })
    #expect(result.certificate.sensitivity.isFinite && result.certificate.largestComponentNorm.isFinite)
    #expect(result.certificate.factorCondition >= 1)
    #expect(result.decomposition.relativeError == result.certificate.relativeError)
  }

  @Test(arguments: CPStart.allCases)
  func anExactKernelIsFound(start: CPStart) throws {
    var generator = SeededGenerator(seed: 92)
    let factors = FactoredKernel.cp4(
      CP4Factors(
        mode1: Tensor<Double>.random([14, 4], using: &generator), mode2: .random([10, 4], using: &generator),
        vertical: .random([4, 3], using: &generator), horizontal: .random([4, 3], using: &generator)))
    let kernel = naiveReconstruction(factors)
    let options = CPOptions(start: start, iterations: 400, tolerance: 1e-9)
    for result in [
      try cp3(kernel, rank: 4, options: options), try cp4(kernel, rank: 4, options: options),
    ] {
      // Alternating least squares stops where an iteration gains less than 1e-9 of the error.
      #expect(result.certificate.relativeError < 1e-5)
    }
  }

  @Test func theSensitivityIsTheNormOfTheJacobian() throws {
    var generator = SeededGenerator(seed: 93)
    let kernel = Tensor<Double>.random([4, 3, 2, 3], using: &generator)
    let result = try cp4(kernel, rank: 2)
    guard let f = CP4Factors(result.kernel) else {
      Issue.record("not a CP-4 form")
      return
    }
    var tensors = [f.mode1, f.mode2, f.vertical, f.horizontal]
    func rebuilt() -> Tensor<Double> {
      naiveReconstruction(
        .cp4(
          CP4Factors(mode1: tensors[0], mode2: tensors[1], vertical: tensors[2], horizontal: tensors[3])))
    }
    let base = rebuilt()
    var sum = 0.0
    for factor in tensors.indices {
      let original = tensors[factor]
      for position in 0..<original.count {
        // The reconstruction is linear in each number, so a step of 1 gives the derivative itself.
        tensors[factor].withMutableSpan { $0[position] += 1 }
        sum += zip(rebuilt().elements, base.elements).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        tensors[factor] = original
      }
    }
    #expect(abs(result.certificate.sensitivity - sum) <= 1e-10 * sum)
  }

  @Test func componentsAreBalanced() throws {
    var generator = SeededGenerator(seed: 94)
    let kernel = Tensor<Double>.decayingKernel([9, 8, 3, 3], using: &generator)
    guard let f = CP3Factors(try cp3(kernel, rank: 5).kernel) else {
      Issue.record("not a CP-3 form")
      return
    }
    for r in 0..<5 {
      func norm(_ tensor: Tensor<Double>) -> Double {
        tensor.elements.reduce(0) { $0 + $1 * $1 }.squareRoot()
      }
      let norms = [
        norm(Tensor(f.mode1.view.sliced(axis: 1, r..<(r + 1)))),
        norm(Tensor(f.mode2.view.sliced(axis: 1, r..<(r + 1)))),
        norm(Tensor(f.kernel.view.sliced(axis: 0, r..<(r + 1)))),
      ]
      #expect(norms.allSatisfy { abs($0 - norms[0]) <= 1e-12 * norms[0] })
    }
  }

  @Test func theSameSeedGivesTheSameFactors() throws {
    var generator = SeededGenerator(seed: 95)
    let kernel = Tensor<Float>.decayingKernel([16, 12, 3, 3], using: &generator)
    for start in CPStart.allCases {
      let options = CPOptions(start: start)
      let (a, b) = (try cp3(kernel, rank: 6, options: options), try cp3(kernel, rank: 6, options: options))
      #expect(a.kernel.stageWeights == b.kernel.stageWeights)
    }
  }

  @Test(arguments: [1e-30, 1e-18, 1e15, 1e30] as [Double])
  func theScaleOfTheKernelDoesNotMatter(scale: Double) throws {
    var generator = SeededGenerator(seed: 96)
    let kernel = Tensor<Double>.decayingKernel([12, 10, 3, 3], using: &generator)
    let scaled = Tensor<Float>(shape: kernel.shape, elements: kernel.elements.map { Float($0 * scale) })
    let extreme = Tensor(
      shape: kernel.shape, elements: kernel.elements.map { $0 * (scale < 1 ? 1e-200 : 1e200) })
    let expected = try cp3(kernel, rank: 5).certificate
    for other in [try cp3(scaled, rank: 5).certificate, try cp3(extreme, rank: 5).certificate] {
      #expect(abs(other.relativeError - expected.relativeError) < 1e-3)
      #expect(other.largestComponentNorm.isFinite && other.sensitivity.isFinite)
    }
  }

  @Test(arguments: CPStart.allCases)
  func awkwardKernelsGiveFiniteFactors(start: CPStart) throws {
    var spike = Tensor<Float>(shape: [6, 5, 3, 3])
    spike[2, 3, 1, 1] = 1
    let kernels = [
      Tensor<Float>(shape: [6, 5, 3, 3]), Tensor<Float>(shape: [6, 5, 3, 3], repeating: 1), spike,
      borderKernel(),
    ]
    for kernel in kernels {
      for rank in [1, 2, 3, 6] {
        let options = CPOptions(start: start, iterations: 200, tolerance: 0)
        for result in [
          try cp3(kernel, rank: rank, options: options), try cp4(kernel, rank: rank, options: options),
        ] {
          #expect(result.kernel.stageWeights.allSatisfy { $0.isFinite })
          #expect(result.certificate.relativeError <= 1.0001)
          #expect(!result.certificate.sensitivity.isNaN && !result.certificate.factorCondition.isNaN)
        }
      }
    }
  }

  /// A kernel of rank 3 and border rank 2: the best approximation of rank 2 does not exist, and terms that come
  /// nearer and nearer grow without limit.
  private func borderKernel() -> Tensor<Float> {
    var kernel = Tensor<Float>(shape: [4, 4, 2, 2])
    for (t, s, d) in [(0, 0, 1), (0, 1, 0), (1, 0, 0)] { kernel[t, s, d, 0] = 1 }
    return kernel
  }

  @Test func whatCannotBeFactoredIsRefused() throws {
    let kernel = Tensor<Float>(shape: [4, 3, 3, 3], repeating: 1)
    for rank in [0, -1, 28] {
      #expect(throws: DecomposeError.self) { try cp3(kernel, rank: rank) }
      #expect(throws: DecomposeError.self) { try cp4(kernel, rank: rank + 1000 * (rank > 0 ? 1 : 0)) }
    }
    #expect(throws: DecomposeError.self) { try cp3(Tensor<Float>(shape: [4, 3], repeating: 1), rank: 1) }
    #expect(throws: DecomposeError.self) { try cp4(Tensor<Float>(shape: [4, 3, 3], repeating: 1), rank: 1) }
    var broken = kernel
    broken[1, 2, 0, 1] = .infinity
    #expect(throws: DecomposeError.notFinite(kernel: kernel.shape)) { try cp3(broken, rank: 1) }
    #expect(throws: DecomposeError.notFinite(kernel: kernel.shape)) { try cp4(broken, rank: 1) }
  }
}
