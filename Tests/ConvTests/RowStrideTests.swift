import Conv
import Forms
import Tensors
import TestSupport
import Testing

/// Strides larger than the kernel along the rows: between two bands lie input rows that no output row reads.
@Suite struct RowStrideTests {
  /// A kernel and where it reads.
  struct Case: CustomTestStringConvertible {
    let kernel: [Int]
    let stride: [Int]
    var dilation = [1, 1]
    var padding = [0, 0]
    var testDescription: String {
      "kernel \(kernel) stride \(stride) dilation \(dilation) padding \(padding)"
    }
  }

  static let cases = [
    Case(kernel: [1, 3], stride: [2, 1]), Case(kernel: [1, 7], stride: [3, 1]),
    Case(kernel: [1, 3], stride: [3, 1]), Case(kernel: [2, 2], stride: [3, 3]),
    Case(kernel: [1, 1], stride: [4, 4]), Case(kernel: [3, 3], stride: [5, 4], padding: [1, 1]),
    // The padding is larger than the kernel: whole output rows, and whole bands, read nothing.
    Case(kernel: [1, 3], stride: [2, 1], padding: [5, 4]),
    Case(kernel: [2, 2], stride: [3, 3], padding: [7, 0]),
    // Gaps between the taps of a row as well as between the rows.
    Case(kernel: [2, 3], stride: [4, 1], dilation: [2, 1]),
    Case(kernel: [3, 1], stride: [2, 1], dilation: [3, 1]),
  ]

  /// Every form and band, with one image and two, rows shared by threads and rows run by one.
  @Test(arguments: cases, [1, 2, 3, 5])
  func formsEqualTheirStagesInDouble(_ example: Case, band: Int) throws {
    var cases = GeneratedCases(seed: 400)
    for (batch, threads) in [(1, 1), (2, 1), (2, 2), (1, 3)] {
      let geometry = try ConvolutionGeometry(
        batch: batch, kernelShape: Shape([5, 19] + example.kernel), inputExtents: [40, 9],
        stride: example.stride, dilation: example.dilation, paddingBefore: example.padding,
        paddingAfter: example.padding)
      for form in cases.forms(of: geometry) {
        check(geometry, form, ConvolutionOptions(band: band, threads: threads), &cases)
      }
    }
  }

  /// A chain of stages by hand: three strides along the rows, one after another.
  @Test(arguments: [1, 2, 3, 5], [1, 2])
  func chainsOfStagesWithDifferentStridesEqualTheirStagesInDouble(band: Int, threads: Int) throws {
    var cases = GeneratedCases(seed: 401)
    let geometry = try ConvolutionGeometry(
      kernelShape: [5, 19, 3, 3], inputExtents: [61, 17], stride: [4, 5], paddingBefore: [1, 2],
      paddingAfter: [2, 1])
    // CP-4 and the spatial forms give each axis's stride to a stage of its own.
    for form in [
      FactoredForm.spatial(rank: 9), .spatial(rank: 9, mirrored: true), .cp3(rank: 9), .cp4(rank: 9),
      .tucker2(outputRank: 5, inputRank: 18),
    ] {
      check(geometry, form, ConvolutionOptions(band: band, threads: threads), &cases)
    }
  }

  /// The layer of the report: it was off by 27 to 160.
  @Test(arguments: KernelVariant.available)
  func theReportedLayerIsRight(variant: KernelVariant) throws {
    var cases = GeneratedCases(seed: 402)
    let geometry = try ConvolutionGeometry(
      kernelShape: [16, 24, 1, 3], inputExtents: [40, 21], stride: [2, 1])
    check(
      geometry, .spatial(rank: 8, mirrored: true), ConvolutionOptions(variant: variant, band: 3), &cases)
  }

  private func check(
    _ geometry: ConvolutionGeometry, _ form: FactoredForm, _ options: ConvolutionOptions,
    _ cases: inout GeneratedCases
  ) {
    var layer = LayerCase<Float>(geometry, form, &cases)
    layer.check(options)
  }
}
