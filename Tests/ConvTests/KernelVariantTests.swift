import Conv
import TensorCore
import TestSupport
import Testing

/// Every form on every kernel variant that the machine has, against the same stages in Double.
@Suite struct KernelVariantTests {
  @Test(arguments: KernelVariant.available, [ConvolutionOptions.Winograd.off, .two, .four])
  func everyFormEqualsItsStagesInDouble(variant: KernelVariant, winograd: ConvolutionOptions.Winograd) {
    var cases = GeneratedCases(seed: 100)
    for round in 0..<60 {
      let geometry = round % 3 == 0 ? cases.geometry(axes: 1 + round % 2) : cases.winogradGeometry()
      for form in cases.forms(of: geometry) {
        var options = ConvolutionOptions(winograd: winograd, variant: variant)
        options.threads = cases.number(1...3)
        check(geometry, form, options, &cases)
      }
    }
  }

  private func check(
    _ geometry: ConvolutionGeometry, _ form: FactoredForm, _ options: ConvolutionOptions,
    _ cases: inout GeneratedCases
  ) {
    let shapes = form.stages(kernel: geometry.kernelShape, groups: geometry.groups)
    let weights: [Tensor<Float>] = shapes.map { cases.tensor($0.weightShape) }
    let bias: Tensor<Float> = cases.tensor([geometry.outputChannels])
    let input: Tensor<Float> = cases.tensor(geometry.inputShape)
    let plan = ConvolutionPlan(geometry, stages: shapes, weights: weights, bias: bias, options: options)
    // The same stages in Double by im2col and CBLAS, which `PlanTests` holds against the same stages in Double.
    let expected = ConvolutionPlan<Double>(
      geometry, stages: shapes, weights: weights.map { $0.converted() }, bias: bias.converted()
    ).run(input.converted())
    // Sums of k products, each number at most 1: every stage multiplies the size by its k and adds k + 1 roundings.
    // Winograd's transforms multiply the size by at most 620 / 9 and round some 24 times more.
    var (size, roundings) = (1.0, 1.0)
    for stage in plan.stages {
      let k = Double(stage.kernelShape.count / stage.outputChannels)
      size *= k
      roundings += k + 1
    }
    if options.winograd != .off { (size, roundings) = (size * 69, roundings + 24) }
    let bound = (size + 1) * roundings * Double(Float.ulpOfOne)
    #expect(
      largestDifference(runGuarded(plan, input), expected) <= bound, "\(geometry) \(form) \(options)")
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
