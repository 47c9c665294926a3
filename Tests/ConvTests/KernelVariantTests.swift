import Conv
import Foundation
import TensorCore
import TestSupport
import Testing

/// Every form on every kernel variant that the machine has, against the same stages in Double.
@Suite struct KernelVariantTests {
  /// Geometries an algorithm and variant, each run in all forms that it has: over 2,000 plans where the compiler
  /// optimises. `LOWRANK_TEST_ROUNDS` asks for more or fewer.
  private static let rounds =
    Int(ProcessInfo.processInfo.environment["LOWRANK_TEST_ROUNDS"] ?? "") ?? (isOptimised ? 270 : 40)

  @Test(arguments: KernelVariant.available, [ConvolutionOptions.Winograd.off, .tile(2), .tile(4), .tile(5)])
  func everyFormEqualsItsStagesInDouble(variant: KernelVariant, winograd: ConvolutionOptions.Winograd) {
    let seed: UInt64 = 100
    var cases = GeneratedCases(seed: seed)
    for round in 0..<Self.rounds {
      let geometry = round % 3 == 0 ? cases.geometry(axes: 1 + round % 2) : cases.winogradGeometry()
      for form in cases.forms(of: geometry) {
        let band = cases.number(0...9)
        let options = ConvolutionOptions(
          winograd: winograd, variant: variant, band: band == 0 ? nil : band, threads: cases.number(1...3))
        check(geometry, form, options, &cases, "seed \(seed), round \(round)")
      }
    }
  }

  /// Depthwise layers: the stage stands alone, between two changes of layout.
  @Test(arguments: KernelVariant.available)
  func depthwiseLayersEqualTheirDefinition(variant: KernelVariant) throws {
    var cases = GeneratedCases(seed: 200)
    for round in 0..<Self.rounds {
      let channels = cases.number(2...40)
      let sides = cases.numbers(2, 1...5)
      guard
        let geometry = try? ConvolutionGeometry(
          kernelShape: Shape([channels, 1] + sides), inputExtents: cases.numbers(2, 1...17),
          stride: cases.numbers(2, 1...2), dilation: cases.numbers(2, 1...2),
          paddingBefore: cases.numbers(2, 0...2),
          paddingAfter: cases.numbers(2, 0...2), groups: channels)
      else { continue }
      let options = ConvolutionOptions(variant: variant, threads: cases.number(1...2))
      check(geometry, .dense, options, &cases, "round \(round)")
    }
  }

  private func check(
    _ geometry: ConvolutionGeometry, _ form: FactoredForm, _ options: ConvolutionOptions,
    _ cases: inout GeneratedCases, _ note: String
  ) {
    let shapes = form.stages(kernel: geometry.kernelShape, groups: geometry.groups)
    let weights: [Tensor<Float>] = shapes.map { cases.tensor($0.weightShape) }
    let bias: Tensor<Float>? = cases.number(0...2) > 0 ? cases.tensor([geometry.outputChannels]) : nil
    let residual: Tensor<Float>? = cases.number(0...2) == 0 ? cases.tensor(geometry.outputShape) : nil
    let activation = [Activation.none, .relu, .clip(low: -0.5, high: 1)][cases.number(0...2)]
    let input: Tensor<Float> = cases.tensor(geometry.inputShape)
    let plan = ConvolutionPlan(
      geometry, stages: shapes, weights: weights, bias: bias, activation: activation, options: options)
    // The same stages in Double by im2col and CBLAS, which `PlanTests` holds against the definition.
    let reference = ConvolutionPlan<Double>(
      geometry, stages: shapes, weights: weights.map { $0.converted() }, bias: bias?.converted(),
      activation: activation)
    let expected = runGuarded(reference, input.converted(), adding: residual?.converted())
    let result = runGuarded(plan, input, adding: residual)
    #expect(
      largestDifference(result, expected) <= plan.errorBound(inputsUpTo: 1) + 2 * Double(Float.ulpOfOne),
      "\(geometry) \(form) \(options) \(activation) \(note)")
  }
}

extension GeneratedCases {
  /// A 3x3 convolution of stride 1, with enough channels and positions for whole tiles and vectors.
  mutating func winogradGeometry() -> ConvolutionGeometry {
    while true {
      let shape = Shape([number(1...40), number(1...40), 3, 3])
      if let geometry = try? ConvolutionGeometry(
        batch: number(1...2), kernelShape: shape, inputExtents: numbers(2, 1...19),
        paddingBefore: numbers(2, 0...2), paddingAfter: numbers(2, 0...2))
      {
        return geometry
      }
    }
  }

  /// Every form that the kernel has, with ranks drawn at random.
  mutating func forms(of geometry: ConvolutionGeometry) -> [FactoredForm] {
    let rank = number(1...20)
    let forms: [FactoredForm] = [
      .dense, .tucker2(outputRank: number(1...20), inputRank: number(1...20)), .cp3(rank: rank),
      .cp4(rank: rank),
      .spatial(rank: rank), .spatial(rank: rank, mirrored: true), .channel(rank: rank),
      .channel(rank: rank, mirrored: true), .svd(rank: rank),
    ]
    return forms.filter { $0.fits(kernel: geometry.kernelShape) }
  }
}
