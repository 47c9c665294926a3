import Forms
import Tensors
import TestSupport
import Testing

@testable import Conv

/// Groups that are neither one nor as many as channels, on kernels of our own.
@Suite struct GroupTests {
  /// Groups, and the input and output channels of each: those of ResNeXt, ShuffleNet and AlexNet made small, depthwise stages
  /// with a multiplier, and primes, which fill neither vectors nor blocks.
  static let channels = [
    (32, 4, 4), (8, 8, 8), (4, 16, 16), (3, 20, 5), (8, 6, 12), (2, 24, 40), (16, 1, 2), (5, 1, 3), (7, 3, 5),
    (3, 17, 1), (2, 1, 33), (11, 2, 3),
  ]

  @Test(arguments: KernelVariant.available, channels)
  func everyGroupingEqualsItsDefinition(variant: KernelVariant, channels: (Int, Int, Int)) throws {
    let (groups, inputs, outputs) = channels
    for seed in TestRun.seeds(short: 2) {
      var cases = GeneratedCases(seed: seed)
      for kernel in [[3, 3], [1, 1], [5], [2, 3]] {
        let geometry = try ConvolutionGeometry(
          batch: cases.number(1...2), kernelShape: Shape([groups * outputs, inputs] + kernel),
          inputExtents: kernel.map { _ in cases.number(5...17) },
          stride: kernel.map { _ in cases.number(1...2) },
          paddingBefore: kernel.map { cases.number(0...$0) },
          paddingAfter: kernel.map { cases.number(0...$0) },
          groups: groups)
        var layer = LayerCase<Float>(geometry, .dense, &cases, note: TestRun.repeating(seed))
        let band = cases.number(0...4)
        layer.check(
          ConvolutionOptions(variant: variant, band: band == 0 ? nil : band, threads: cases.number(1...4)))
      }
    }
  }

  /// Between pointwise stages, as in a network's block, in every layout.
  @Test(arguments: KernelVariant.available)
  func groupsInAChainEqualTheirDefinition(variant: KernelVariant) throws {
    for seed in TestRun.seeds(short: 6) {
      var cases = GeneratedCases(seed: seed)
      let (groups, each) = [(8, 4), (3, 7), (2, 20)][cases.number(0...2)]
      let wide = groups * each
      let grouped = ChainStage(
        weights: [wide, each, 3, 3], groups: groups, stride: [cases.number(1...2), 1], before: [1, 1],
        after: [1, 1])
      let shuffled = ChainStage(weights: [2 * wide, each, 1, 1], groups: groups)
      for shapes: [ChainStage] in [
        [.pointwise(9, wide), grouped, .pointwise(wide, 21)], [grouped, grouped],
        [shuffled, .depthwise(2 * wide)],
        [.depthwise(wide), shuffled],
      ] {
        let chain = try ChainCase<Float>(
          shapes, batch: 1, inputExtents: [11, 9],
          activations: shapes.map { _ in ChainTests.activations[cases.number(0...12)] }, &cases,
          note: TestRun.repeating(seed))
        let options = ConvolutionOptions(variant: variant, threads: cases.number(1...3))
        let convolution = Convolution(chain.stages, options: options)
        try chain.check(convolution)
        try chain.check(convolution, input: .channelLast, output: .channelLast, residualInPlace: true)
      }
    }
  }

  /// Not a bit, whether they share rows or the columns of all blocks.
  @Test(arguments: [(32, 4, 4, 20), (4, 24, 40, 5), (3, 5, 7, 4), (2, 96, 96, 3)])
  func threadsDoNotChangeTheResult(shape: (Int, Int, Int, Int)) throws {
    let (groups, inputs, outputs, side) = shape
    var cases = GeneratedCases(seed: 640)
    let geometry = try ConvolutionGeometry(
      kernelShape: [groups * outputs, inputs, 3, 3], inputExtents: [side, side], paddingBefore: [1, 1],
      paddingAfter: [1, 1], groups: groups)
    let (kernel, input): (Tensor<Float>, Tensor<Float>) = (
      cases.tensor(geometry.kernelShape), cases.tensor(geometry.inputShape)
    )
    for variant in KernelVariant.available {
      let alone = ConvolutionPlan(geometry, kernel: kernel, options: ConvolutionOptions(variant: variant))
      for threads in [2, 3, 5] {
        let shared = ConvolutionPlan(
          geometry, kernel: kernel, options: ConvolutionOptions(variant: variant, threads: threads))
        #expect(shared.threadCount > 1)
        #expect(runGuarded(alone, input) == runGuarded(shared, input), "\(shape) \(variant) \(threads)")
      }
    }
  }

  /// On CBLAS, and over three axes; where groups run in blocks, a NaN of one reaches all of its block.
  @Test(arguments: [([3, 3], ConvolutionOptions.Backend.blas), ([2, 3, 2], .automatic)])
  func aNaNStaysInItsGroupWhereGroupsRunApart(kernel: [Int], backend: ConvolutionOptions.Backend) throws {
    var cases = GeneratedCases(seed: 641)
    let geometry = try ConvolutionGeometry(
      kernelShape: Shape([32, 4] + kernel), inputExtents: kernel.map { _ in 6 }, groups: 8)
    var input: Tensor<Float> = cases.tensor(geometry.inputShape)
    let (first, last) = (12 * geometry.inputPositions, 16 * geometry.inputPositions)
    input.withMutableSpan { input in
      for i in first..<last { input[i] = .nan }
    }
    let plan = ConvolutionPlan<Float>(
      geometry, kernel: cases.tensor(geometry.kernelShape), options: ConvolutionOptions(backend: backend))
    for (place, number) in plan.run(input).elements.enumerated() {
      #expect(number.isNaN == (12..<16).contains(place / geometry.outputPositions), "at \(place)")
    }
  }

  @Test func groupsDoNotRunThroughBLAS() throws {
    let geometry = try ConvolutionGeometry(kernelShape: [128, 4, 3, 3], inputExtents: [8, 8], groups: 32)
    let plan = ConvolutionPlan<Float>(geometry, kernel: Tensor(shape: geometry.kernelShape))
    #expect(plan.explain.contains("32 groups in"))
    let blas = ConvolutionPlan<Float>(
      geometry, kernel: Tensor(shape: geometry.kernelShape), options: ConvolutionOptions(backend: .blas))
    #expect(blas.explain.contains("CBLAS, as the options ask"))
  }
}
