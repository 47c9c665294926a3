import Forms
import Tensors
import Testing

@testable import Conv

/// Last stages of more outputs than are turned channel-first at a time, on images small enough for that way out.
@Suite struct WideExitTests {
  @Test(arguments: KernelVariant.available, [67, 150, 203])
  func outputsBeyondOneChunkEqualTheirDefinition(variant: KernelVariant, outputs: Int) throws {
    let geometry = try ConvolutionGeometry(
      batch: 2, kernelShape: Shape([outputs, 9, 3, 3]), inputExtents: [5, 5], paddingBefore: [1, 1],
      paddingAfter: [1, 1])
    var cases = GeneratedCases(seed: 171)
    for form in [FactoredForm.tucker2(outputRank: 40, inputRank: 6), .cp3(rank: 40)] {
      var layer = LayerCase<Float>(geometry, form, &cases)
      for threads in [1, 2] { layer.check(ConvolutionOptions(variant: variant, threads: threads)) }
    }
  }
}
