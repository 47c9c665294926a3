import Tensors
import TestSupport
import Testing

@testable import Conv

/// Chains of stages: a bias and an activation on each, reshaped to many sizes, between maps of any layout.
@Suite struct ChainTests {
  static let activations: [Activation] = [
    .none, .relu, .clip(low: 0, high: 6), .leakyReLU(slope: 0.25), .prelu(slopes: []), .sigmoid, .silu,
    .hardSigmoid(slope: 0.25, offset: 0.5), .hardSwish, .tanh, .gelu, .geluTanh, .elu(alpha: 0.5),
    .scaledHardSwish(scale: -1.5, shift: 0.25),
  ]

  /// The shapes of networks' blocks, with channels that fill vectors and channels that do not.
  private static func chains(_ cases: inout GeneratedCases) -> [[ChainStage]] {
    let (a, b, c) = (cases.number(1...20), cases.number(1...3) * 16, cases.number(1...37))
    return [
      [.depthwise(a), .pointwise(a, b)], [.depthwise(b, 5, stride: 2), .pointwise(b, c)],
      [.pointwise(c, b), .depthwise(b, 3, stride: 2), .pointwise(b, a)],
      [.square(3, c, 3, stride: 2), .depthwise(c), .pointwise(c, b)],
      [.square(a, b), .square(b, c), .square(c, a)], [.square(c, a, 5), .pointwise(a, b), .square(b, 8)],
      [.depthwise(a), .pointwise(a, c), .depthwise(c, 5), .pointwise(c, a)],
      [.pointwise(a, b), .pointwise(b, c)],
      [.pointwise(a, b)], [.pointwise(b, c)], [.square(a, b)], [.depthwise(c)],
      [
        ChainStage(
          weights: [b, a, 3, 2], stride: [2, 3], dilation: [2, 1], before: [3, 0], after: [1, 2]),
        ChainStage(weights: [c, b, 1, 3], stride: [3, 1], before: [0, 4], after: [2, 1]),
      ],
      // Tiles along a row reach behind its end, where the next stage has its padding.
      [.line(a, c, 5, down: false), .line(c, a, 3, down: false)], [.line(a, b, 3, down: true)],
    ]
  }

  private static func layout(
    _ order: MapLayout.Order, _ channels: Int, _ positions: Int, _ cases: inout GeneratedCases
  )
    -> MapLayout
  {
    guard cases.number(0...1) == 0 else { return MapLayout(order) }
    let (inner, outer) = order == .channelFirst ? (positions, channels) : (channels, positions)
    let stride = inner + cases.number(0...20)
    return MapLayout(order, stride: stride, imageStride: outer * stride + cases.number(0...9))
  }

  /// Every kernel variant and CBLAS, layouts and strides, residuals elsewhere and in place, bands and threads.
  @Test func everyChainEqualsItsDefinition() throws {
    for seed in TestRun.seeds(short: 24) {
      var cases = GeneratedCases(seed: seed)
      for shapes in Self.chains(&cases) {
        let chain = try ChainCase<Float>(
          shapes, batch: cases.number(1...2), inputExtents: [cases.number(3...23), cases.number(3...14)],
          activations: shapes.map { _ in Self.activations[cases.number(0...12)] }, &cases,
          note: TestRun.repeating(seed))
        var options = ConvolutionOptions(threads: cases.number(1...3))
        options.winograd = [.automatic, .off, .tile(2), .tile(4)][cases.number(0...3)]
        options.variant = KernelVariant.available[cases.number(0...(KernelVariant.available.count - 1))]
        let band = cases.number(0...9)
        options.band = band == 0 ? nil : band
        if cases.number(0...4) == 0 { options.backend = .blas }
        let convolution = Convolution(chain.stages, options: options)
        let plan = try convolution.reshaped(batch: chain.batch, inputExtents: chain.inputExtents)
        let (first, last) = (plan.stages[0], plan.stages[plan.stages.count - 1])
        for input in [MapLayout.Order.channelFirst, .channelLast] {
          for output in [MapLayout.Order.channelFirst, .channelLast] {
            try chain.check(
              convolution, input: Self.layout(input, first.inputChannels, first.inputPositions, &cases),
              output: Self.layout(output, last.outputChannels, last.outputPositions, &cases),
              residualInPlace: cases.number(0...1) == 0)
          }
        }
      }
    }
  }

  /// Each activation behind and between stages, on every instruction set and in Double.
  @Test(arguments: activations)
  func everyActivationEqualsItsDefinition(activation: Activation) throws {
    for shapes: [ChainStage] in [
      [.depthwise(19), .pointwise(19, 21)], [.square(5, 18), .square(18, 7)],
      [.pointwise(9, 17), .depthwise(17, 5)],
    ] {
      var cases = GeneratedCases(seed: 510)
      let chain = try ChainCase<Float>(
        shapes, batch: 1, inputExtents: [9, 11], activations: [activation, activation], &cases)
      for variant in KernelVariant.available {
        try chain.check(Convolution(chain.stages, options: ConvolutionOptions(variant: variant)))
      }
      try chain.check(Convolution(chain.stages, options: ConvolutionOptions(backend: .blas)))
      let doubles = try ChainCase<Double>(
        shapes, batch: 1, inputExtents: [9, 11], activations: [activation, activation], &cases)
      try doubles.check(
        Convolution(doubles.stages, options: ConvolutionOptions(threads: 2)), output: .channelLast)
    }
  }

  /// Tiles lie in the map, not in the bands that compute it, so every element is summed in the same order.
  @Test func bandsAndThreadsDoNotChangeTheResult() throws {
    var cases = GeneratedCases(seed: 515)
    for shapes: [ChainStage] in [
      [.square(24, 32), .square(32, 16)], [.square(20, 32, 5), .depthwise(32)],
      [.line(24, 40, 3, down: true), .line(40, 32, 3, down: false)],
      [.line(24, 40, 3, down: true), .line(40, 32, 3, down: true)],
    ] {
      let chain = try ChainCase<Float>(
        shapes, batch: 1, inputExtents: [29, 18], activations: [.relu, .none], &cases)
      for winograd in [ConvolutionOptions.Winograd.tile(2), .tile(4), .tile(6)] {
        let results = try [(4, 1), (8, 1), (12, 2), (4, 3)].map { band, threads in
          try Convolution(
            chain.stages, options: ConvolutionOptions(winograd: winograd, band: band, threads: threads)
          ).reshaped(inputExtents: chain.inputExtents).run(chain.input)
        }
        #expect(results.allSatisfy { $0 == results[0] }, "\(winograd)")
      }
    }
  }

  /// Tiles of several rows in a stage before the last, where every band begins with whole ones.
  @Test func tilesGoDownInFrontOfRows() throws {
    var cases = GeneratedCases(seed: 516)
    for (second, rows) in [
      (ChainStage.line(48, 64, 3, down: false), 6), (.pointwise(48, 64), 6),
      (.line(48, 64, 3, down: true), 1),
    ] {
      let chain = try ChainCase<Float>(
        [.line(64, 48, 3, down: true), second], batch: 2, inputExtents: [27, 20],
        activations: [.relu, .none],
        &cases)
      for band in [nil, 1, 6, 13] {
        let convolution = Convolution(
          chain.stages, options: ConvolutionOptions(winograd: .tile(6), band: band))
        let plan = try convolution.reshaped(inputExtents: chain.inputExtents)
        #expect(plan.winogradForm(ofStage: 0)?.tiles.height ?? 1 == rows, "\(plan.explain)")
        try chain.check(convolution)
      }
    }
  }

  /// One convolution for all sizes: what is packed does not grow with them, and each size's result is right.
  @Test func weightsArePackedOnceForManySizes() throws {
    var cases = GeneratedCases(seed: 520)
    let shapes: [ChainStage] = [.square(16, 48), .depthwise(48), .pointwise(48, 32)]
    let activations: [Activation] = [.relu, .hardSwish, .none]
    let first = try ChainCase<Float>(
      shapes, batch: 1, inputExtents: [20, 20], activations: activations, &cases)
    let convolution = Convolution(first.stages)
    var seen = Set<Int>()
    for side in 3...40 {
      for batch in [1, 3] {
        let plan = try convolution.reshaped(batch: batch, inputExtents: [side, 43 - side])
        #expect(plan.outputShape == [batch, 32, side, 43 - side])
        seen.insert(convolution.packedWeights.count)
      }
    }
    let packed = convolution.packedWeights
    // A stage has four panels at most for each algorithm: its own multiplies, three Winograd forms, strips.
    #expect(packed.count <= 4 * (1 + 3) + 1 + 4 + 1)
    // The same sizes again, with other batches and layouts: nothing is packed.
    for side in 3...40 {
      _ = try convolution.reshaped(batch: 2, inputExtents: [side, 43 - side])
      _ = try convolution.reshaped(batch: 1, inputExtents: [side, 43 - side], input: .channelLast)
    }
    #expect(convolution.packedWeights == packed)
    for extents in [[3, 40], [20, 23], [33, 10]] {
      let chain = try ChainCase<Float>(
        shapes, batch: 2, inputExtents: extents, activations: activations, &cases)
      try chain.check(Convolution(chain.stages))
    }
  }

  @Test func aSizeIsRememberedAndSharedByThreads() async throws {
    var cases = GeneratedCases(seed: 530)
    let chain = try ChainCase<Float>(
      [.depthwise(24), .pointwise(24, 40)], batch: 1, inputExtents: [15, 13], activations: [.relu, .silu],
      &cases)
    let convolution = Convolution(chain.stages)
    let expected = try convolution.reshaped(inputExtents: [15, 13]).run(chain.input)
    let same = await withTaskGroup(of: Bool.self) { group in
      for task in 0..<8 {
        group.addTask {
          _ = try? convolution.reshaped(inputExtents: [task + 3, 9])
          return (try? convolution.reshaped(inputExtents: [15, 13]).run(chain.input)) == expected
        }
      }
      return await group.reduce(true) { $0 && $1 }
    }
    #expect(same)
  }

  @Test func sizesAndStridesThatDoNotFitAreErrors() throws {
    let stage = try ConvolutionStage<Float>(weights: Tensor(shape: [4, 3, 5, 5]))
    let convolution = Convolution([stage])
    #expect(throws: ConvError.kernelLargerThanInput(axis: 0, kernel: 5, input: 4)) {
      try convolution.reshaped(inputExtents: [4, 9])
    }
    #expect(throws: ConvError.wrongCount(what: "input extents", count: 1, axes: 2)) {
      try convolution.reshaped(inputExtents: [9])
    }
    #expect(throws: ConvError.outOfRange(what: "output's stride", value: 24)) {
      try convolution.reshaped(inputExtents: [9, 9], output: MapLayout(.channelFirst, stride: 24))
    }
    #expect(throws: ConvError.outOfRange(what: "input's stride of images", value: 242)) {
      try convolution.reshaped(inputExtents: [9, 9], input: MapLayout(.channelLast, imageStride: 242))
    }
    #expect(throws: ConvError.self) {
      try ConvolutionStage<Float>(weights: Tensor(shape: [4, 3, 5, 5]), dilation: [.max, 1])
    }
    #expect(throws: ConvError.groupsDoNotDivide(channels: 4, groups: 3)) {
      try ConvolutionStage<Float>(weights: Tensor(shape: [4, 3, 5, 5]), groups: 3)
    }
  }

  @Test func chainsThatDoNotFitTogetherTrap() async {
    await #expect(processExitsWith: .failure) {
      let a = try ConvolutionStage<Float>(weights: Tensor(shape: [4, 3, 1, 1]))
      _ = Convolution([a, a])
    }
    await #expect(processExitsWith: .failure) {
      _ = try ConvolutionStage<Float>(
        weights: Tensor(shape: [4, 3, 1, 1]), activation: .prelu(slopes: [1, 2, 3]))
    }
    await #expect(processExitsWith: .failure) {
      _ = try ConvolutionStage<Float>(weights: Tensor(shape: [4, 3, 1, 1]), bias: Tensor(shape: [3]))
    }
  }
}
