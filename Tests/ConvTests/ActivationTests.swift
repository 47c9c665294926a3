import Conv
import Forms
import Tensors
import TestSupport
import Testing

/// Clips: bounds that are in no order are refused, all others give the same result on every instruction set.
@Suite struct ActivationTests {
  static let disorder: [(Double, Double)] = [
    (1, -1), (6, 0), (.nan, 1), (0, .nan), (.nan, .nan), (.infinity, -.infinity), (0, -.infinity),
    (.infinity, 0),
  ]

  @Test(arguments: disorder)
  func boundsThatAreNotInOrderThrow(low: Double, high: Double) {
    #expect(throws: ConvError.self) { try Activation.bounds(low: low, high: high) }
  }

  @Test func boundsInOrderAreTaken() throws {
    for (low, high) in [(-1.0, 1.0), (2, 2), (-.infinity, 0), (0, .infinity), (-.infinity, .infinity)] {
      #expect(try Activation.bounds(low: low, high: high) == .clip(low: low, high: high))
    }
  }

  @Test func aPlanTrapsOnBoundsThatAreNotInOrder() async {
    await #expect(processExitsWith: .failure) {
      let geometry = try ConvolutionGeometry(kernelShape: [1, 1], inputExtents: [])
      _ = ConvolutionPlan<Float>(
        geometry, kernel: Tensor(shape: [1, 1]), activation: .clip(low: 1, high: -1))
    }
    await #expect(processExitsWith: .failure) {
      let geometry = try ConvolutionGeometry(kernelShape: [1, 1, 1], inputExtents: [3])
      _ = ConvolutionPlan<Float>(
        geometry, kernel: Tensor(shape: [1, 1, 1]), activation: .clip(low: .nan, high: 0))
    }
  }

  /// Every way out of a plan (strips, columns, a change of layout, CBLAS) on every instruction set, with a residual and
  /// without: NaN stays, infinities are bounded, and every other result is that of the definition.
  @Test(arguments: [
    Activation.none, .relu, .clip(low: -0.5, high: 1), .clip(low: 2, high: 2),
    .clip(low: -.infinity, high: 0.25),
    .clip(low: 0.25, high: .infinity), .clip(low: -.infinity, high: .infinity),
    .clip(low: .infinity, high: .infinity), .clip(low: -.infinity, high: -.infinity),
    // Beyond Float: the bounds round to infinities.
    .clip(low: -1e300, high: 1e300),
  ])
  func resultsAreTheSameOnAllInstructionSets(activation: Activation) throws {
    // One channel to one: each result is the input times 2, exactly, and infinities and NaN stay what they are.
    let special: [Float] = [.nan, .infinity, -.infinity, 0, -0.0, 0.125, 0.5, -0.25, 1e38, -1e38]
    let values = (0..<7).flatMap { round in special.map { $0 * (round % 2 == 0 ? 1 : 0.5) } }
    let input = Tensor<Float>(shape: [1, 1, 7, 10], elements: values)
    let residual = Tensor<Float>(shape: [1, 1, 7, 10], elements: values.reversed())
    for residual in [nil, residual] {
      let expected = values.indices.map { i in
        bounded(2 * values[i] + (residual?.elements[i] ?? 0), activation)
      }
      for (kernel, form) in [([1, 1], FactoredForm.dense), ([3, 3], .dense), ([1, 1], .svd(rank: 1))] {
        for backend in [ConvolutionOptions.Backend.automatic, .blas] {
          for variant in backend == .blas ? [KernelVariant.scalar] : KernelVariant.available {
            let result = try run(kernel, form, activation, backend, variant, input, residual)
            // NaN for NaN, and otherwise equal; but a 3x3 kernel's zeros make NaN of the infinities beside a pixel.
            let same = zip(result.elements, expected).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
            #expect(same || kernel == [3, 3], "\(kernel) \(form) \(backend) \(variant): \(result.elements)")
            #expect(result.elements.allSatisfy { $0.isNaN || inside($0, activation) })
          }
        }
      }
    }
  }

  /// One channel times 1 is exact, so what is off is the activation's own: no more units of the last place than
  /// `CKernels.h` says.
  @Test(arguments: [
    (Activation.sigmoid, 3.0, -80.0), (.silu, 4, -80), (.hardSwish, 3, -4), (.tanh, 4, -9), (.gelu, 5, -3),
    (.elu(alpha: 1), 3, -40),
  ])
  func aResultIsAsNearAsPromised(activation: Activation, units: Double, least: Double) throws {
    // Below `least` the definition, which subtracts, is no better than a Float.
    let spread: [Float] = (0..<4001).map { Float(least + (9 - least) * Double($0) / 4000) }
    let nearZero: [Float] = (0..<4001).map { Float($0 - 2000) / 1777 }
    let inside = (spread + nearZero).filter { Double($0) >= least && abs($0) > 1e-3 }
    let geometry = try ConvolutionGeometry(kernelShape: [1, 1, 1], inputExtents: [inside.count])
    for variant in KernelVariant.available {
      let plan = ConvolutionPlan<Float>(
        geometry, kernel: Tensor(shape: [1, 1, 1], repeating: 1), activation: activation,
        options: ConvolutionOptions(variant: variant))
      let results = plan.run(Tensor(shape: geometry.inputShape, elements: inside)).elements
      for (x, result) in zip(inside, results) {
        let expected = activation.definition(Double(x), channel: 0)
        // The definition's own roundings to Double come on top.
        let most = units * Double(Float(expected).ulp) + 0x1p-50
        guard abs(Double(result) - expected) > most else { continue }
        Issue.record("\(activation) of \(x) on \(variant) is \(result), not \(expected)")
        break
      }
    }
  }

  private func bounded(_ x: Float, _ activation: Activation) -> Float {
    let (low, high) = bounds(activation)
    return x.isNaN ? x : Swift.min(Swift.max(x, low), high)
  }

  private func inside(_ x: Float, _ activation: Activation) -> Bool {
    x >= bounds(activation).low && x <= bounds(activation).high
  }

  private func bounds(_ activation: Activation) -> (low: Float, high: Float) {
    switch activation {
    case .relu: (0, .infinity)
    case .clip(let low, let high): (Float(low), Float(high))
    default: (-.infinity, .infinity)
    }
  }

  /// Twice the input: the kernel's middle is 2, and an svd's second factor 1.
  private func run(
    _ kernel: [Int], _ form: FactoredForm, _ activation: Activation, _ backend: ConvolutionOptions.Backend,
    _ variant: KernelVariant, _ input: Tensor<Float>, _ residual: Tensor<Float>?
  ) throws -> Tensor<Float> {
    let geometry = try ConvolutionGeometry(
      kernelShape: Shape([1, 1] + kernel), inputExtents: [7, 10], paddingBefore: kernel.map { $0 / 2 },
      paddingAfter: kernel.map { $0 / 2 })
    let shapes = form.stages(kernel: geometry.kernelShape)
    let weights = shapes.enumerated().map { index, stage in
      Tensor<Float>(
        shape: stage.weightShape,
        elements: (0..<stage.weightShape.count).map {
          $0 == stage.weightShape.count / 2 ? (index == 0 ? 2 : 1) : 0
        })
    }
    let plan = ConvolutionPlan(
      geometry, stages: shapes, weights: weights, activation: activation,
      options: ConvolutionOptions(backend: backend, winograd: .off, variant: variant))
    return runGuarded(plan, input, adding: residual)
  }
}
