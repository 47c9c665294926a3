import Forms
import Tensors
import TestSupport
import Testing

@testable import Conv

/// Layers over no spatial axes, on kernels of our own: dense and factored, the images as rows of a product.
@Suite struct FullyConnectedTests {
  @Test(arguments: KernelVariant.available, [1, 2, 15, 33])
  func everyLayerEqualsItsDefinition(variant: KernelVariant, batch: Int) throws {
    for seed in TestRun.seeds(short: 4) {
      var cases = GeneratedCases(seed: seed)
      for (outputs, inputs, groups) in [
        (1, 1, 1), (37, 61, 1), (64, 48, 1), (13, 200, 1), (24, 12, 4), (9, 9, 3),
      ] {
        let geometry = try ConvolutionGeometry(
          batch: batch, kernelShape: [outputs, inputs / groups], inputExtents: [], groups: groups)
        for form in [FactoredForm.dense, .svd(rank: cases.number(1...20))] {
          guard form.fits(kernel: geometry.kernelShape) else { continue }
          var layer = LayerCase<Float>(geometry, form, &cases, note: TestRun.repeating(seed))
          layer.check(ConvolutionOptions(variant: variant, threads: cases.number(1...4)))
        }
      }
    }
  }

  /// Gaps between the images, and channels that do not lie side by side, which are images of one pixel each.
  @Test(arguments: KernelVariant.available)
  func imagesMayLieApart(variant: KernelVariant) throws {
    var cases = GeneratedCases(seed: 650)
    let shapes = [
      ChainStage(weights: [21, 19], stride: [], dilation: [], before: [], after: []),
      ChainStage(weights: [17, 21], stride: [], dilation: [], before: [], after: []),
    ]
    for count in 1...2 {
      let own = Array(shapes.prefix(count))
      let chain = try ChainCase<Float>(
        own, batch: 5, inputExtents: [], activations: own.map { _ in .gelu }, &cases)
      let convolution = Convolution(
        chain.stages, options: ConvolutionOptions(variant: variant, threads: cases.number(1...2)))
      let outputs = own[count - 1].weights[0]
      for input in [
        MapLayout.channelFirst, .channelLast, MapLayout(.channelFirst, stride: 3),
        MapLayout(.channelFirst, imageStride: 40),
      ] {
        for output in [
          MapLayout.channelFirst, MapLayout(.channelLast, imageStride: outputs + 3),
          MapLayout(.channelFirst, stride: 2),
        ] {
          try chain.check(convolution, input: input, output: output, residualInPlace: true)
        }
      }
    }
  }

  /// Not a bit; and a single image is shared by its columns.
  @Test(arguments: [1, 3, 64])
  func threadsDoNotChangeTheResult(batch: Int) throws {
    var cases = GeneratedCases(seed: 651)
    let geometry = try ConvolutionGeometry(batch: batch, kernelShape: [500, 1201], inputExtents: [])
    let (kernel, input): (Tensor<Float>, Tensor<Float>) = (
      cases.tensor(geometry.kernelShape), cases.tensor(geometry.inputShape)
    )
    let alone = ConvolutionPlan(geometry, kernel: kernel)
    for threads in [2, 5] {
      let shared = ConvolutionPlan(geometry, kernel: kernel, options: ConvolutionOptions(threads: threads))
      #expect(shared.threadCount == threads)
      #expect(!shared.explain.contains("CBLAS"))
      #expect(runGuarded(alone, input) == runGuarded(shared, input))
    }
  }
}
