import Tensors
import TestSupport
import Testing

@testable import Conv

/// Batches of small images that run as one tall image.
@Suite struct StackedImagesTests {
  /// Chains that keep the rows of their maps, large enough for tiles and weights to matter.
  private static func chains(_ cases: inout GeneratedCases) -> [[ChainStage]] {
    let (a, b, c) = (cases.number(3...9), cases.number(2...4) * 16, cases.number(20...70))
    return [
      [.square(b, 2 * b)], [.square(c, b)], [.square(a, b, 5)],
      [.pointwise(c, b), .square(b, c), .pointwise(c, a)], [.square(a, b), .square(b, b), .square(b, c)],
      [.line(a, b, 5, down: false), .line(b, c, 3, down: true)],
      [.pointwise(a, b), .depthwise(b), .pointwise(b, c)],
      // Padding in front alone: the rows between images are those that the first stage needs.
      [
        ChainStage(weights: [b, c, 3, 3], before: [2, 0], after: [0, 2]),
        ChainStage(weights: [b, b, 3, 3], dilation: [2, 2], before: [1, 2], after: [3, 2]),
      ],
    ]
  }

  /// Every variant, layouts, residuals, bands and threads; enough of the plans stack for that to say something.
  @Test func stackedImagesEqualTheirDefinition() throws {
    var stacked = 0
    for seed in TestRun.seeds(short: 6) {
      var cases = GeneratedCases(seed: seed)
      for shapes in Self.chains(&cases) {
        let chain = try ChainCase<Float>(
          shapes, batch: cases.number(2...9), inputExtents: [cases.number(1...9), cases.number(2...9)],
          activations: shapes.map { _ in ChainTests.activations[cases.number(0...12)] }, &cases,
          note: TestRun.repeating(seed))
        var options = ConvolutionOptions(threads: cases.number(1...3))
        options.winograd = [.automatic, .automatic, .off, .tile(4)][cases.number(0...3)]
        options.variant = KernelVariant.available[cases.number(0...(KernelVariant.available.count - 1))]
        options.weights = cases.number(0...1) == 0 ? .cold : .warm
        if cases.number(0...2) == 0 { options.band = cases.number(1...30) }
        let convolution = Convolution(chain.stages, options: options)
        let plan = try convolution.reshaped(batch: chain.batch, inputExtents: chain.inputExtents)
        if plan.explain.contains("one below the other") { stacked += 1 }
        for (input, output) in [
          (MapLayout.channelFirst, MapLayout.channelLast), (.channelLast, .channelFirst),
          (.channelLast, MapLayout(.channelLast, stride: plan.outputShape[1] + cases.number(0...9))),
        ] {
          try chain.check(
            convolution, input: input, output: output, residualInPlace: cases.number(0...1) == 0)
        }
      }
    }
    #expect(stacked >= TestRun.seeds(short: 6).count)
  }

  /// Whether images are stacked does not hang on the threads, nor does any result.
  @Test func threadsDoNotChangeTheResult() throws {
    var cases = GeneratedCases(seed: 7)
    let geometry = try ConvolutionGeometry(
      batch: 11, kernelShape: [128, 64, 3, 3], inputExtents: [7, 7], paddingBefore: [1, 1],
      paddingAfter: [1, 1])
    let (kernel, input) = (
      cases.tensor(geometry.kernelShape) as Tensor<Float>, cases.tensor(geometry.inputShape) as Tensor<Float>
    )
    let alone = ConvolutionPlan(geometry, kernel: kernel)
    #expect(alone.explain.contains("11 images one below the other"))
    for threads in 2...4 {
      let plan = ConvolutionPlan(geometry, kernel: kernel, options: ConvolutionOptions(threads: threads))
      #expect(plan.explain.contains("11 images one below the other"))
      #expect(plan.run(input) == alone.run(input), "\(threads) threads")
    }
  }

  /// What stands in one image, be it no number, changes nothing in the others.
  @Test(arguments: [ConvolutionOptions.Winograd.automatic, .off, .tile(4), .tile(5)])
  func imagesDoNotTouchEachOther(winograd: ConvolutionOptions.Winograd) throws {
    var cases = GeneratedCases(seed: 8)
    for shapes: [ChainStage] in [
      [.square(32, 96)], [.pointwise(20, 32), .square(32, 64), .pointwise(64, 20)], [.square(16, 32, 5)],
      [ChainStage(weights: [48, 16, 3, 3], dilation: [3, 1], before: [0, 1], after: [6, 1])],
    ] {
      let chain = try ChainCase<Float>(
        shapes, batch: 5, inputExtents: [7, 6], activations: shapes.map { _ in .none }, &cases)
      let plan = try Convolution(chain.stages, options: ConvolutionOptions(winograd: winograd))
        .reshaped(batch: 5, inputExtents: [7, 6])
      let before = plan.run(chain.input)
      let (size, result) = (chain.input.count / 5, before.count / 5)
      for (place, value) in [(1, Float.nan), (3, .infinity), (3, 1e30)] {
        var changed = chain.input
        changed.withMutableSlice { elements in
          for i in 0..<size { elements[place * size + i] = value }
        }
        let after = plan.run(changed)
        for image in 0..<5 where image != place {
          let range = (image * result)..<((image + 1) * result)
          #expect(Array(after.elements[range]) == Array(before.elements[range]), "image \(image), \(value)")
        }
      }
    }
  }

  /// Images begin with a row of tiles of their own; those whose maps differ in their rows, and large ones, stay by themselves.
  @Test func theRowsOfAStack() throws {
    #expect(ImageStack(images: 8, height: 7, gap: 0, tile: 4).rows == 7 * 8 + 7)
    #expect(ImageStack(images: 8, height: 8, gap: 0, tile: 4).rows == 8 * 8)
    #expect(ImageStack(images: 3, height: 7, gap: 2, tile: 1).rows == 2 * 9 + 7)
    func serves(side: Int, stride: Int = 1, padding: Int = 1, images: Int = 8) throws -> Bool {
      let geometry = try ConvolutionGeometry(
        batch: images, kernelShape: [4, 4, 3, 3], inputExtents: [side, side], stride: [stride, stride],
        paddingBefore: [padding, padding], paddingAfter: [padding, padding])
      return try ImageStack.serves([#require(PlaneGeometry(geometry))], images: images)
    }
    #expect(try serves(side: 8))
    #expect(try !serves(side: 8, images: 1))
    #expect(try serves(side: 8, images: 1 << 13))
    #expect(try !serves(side: 8, images: 1 << 30))
    #expect(try !serves(side: 8, padding: 0))
    #expect(try !serves(side: 9, stride: 2))
    #expect(try !serves(side: 33))
  }
}
