import Forms
import Tensors
import Testing

@testable import Conv

/// Layers of one 1x1 stage, which reads the image as it lies: on images of whole vectors, and of pixels behind the last.
@Suite struct PointwiseTests {
  @Test(arguments: KernelVariant.available, [[4, 8], [1, 1], [3, 5], [7, 13], [19, 17]])
  func everyPixelIsComputed(variant: KernelVariant, extents: [Int]) throws {
    for (outputs, inputs) in [(1, 1), (9, 5), (40, 33)] {
      let geometry = try ConvolutionGeometry(
        batch: 2, kernelShape: Shape([outputs, inputs, 1, 1]), inputExtents: extents)
      var cases = GeneratedCases(seed: 172)
      var layer = LayerCase<Float>(geometry, .dense, &cases)
      for band in [nil, 2] {
        for threads in [1, 2] {
          var options = ConvolutionOptions(variant: variant, threads: threads)
          options.band = band
          layer.check(options)
        }
      }
    }
  }
}
