import TensorFiles
import Tensors
import TestSupport
import Testing

@testable import ModelGraph

/// Extents behind pools and resizes are those that ONNX Runtime 1.32 computes (where `onnx.shape_inference` 1.23 differs, as
/// for the last window of a pool and for products of scales that Float rounds up, the runtime has the tensor to show; where
/// axes are counted from the end and a ratio is kept, it leaves the input as it is, and the standard is followed).
@Suite struct PoolAndResizeTests {
  private let assumptions = ShapeAssumptions(trustsFile: true, takesBatchForOne: true)

  private func extents(_ template: NodeTemplate) -> Extents? {
    ShapeInference(graph: template.model.main, opset: 19, assumptions: assumptions).extents["y0"]
  }

  /// Rounded up, but for a last window that would begin behind the input and the padding in front of it.
  @Test(arguments: [
    // (input, kernel, stride, dilation, padding in front, behind, output)
    [3, 1, 3, 1, 0, 0, 1], [3, 2, 2, 1, 0, 0, 2], [3, 2, 2, 1, 1, 1, 2], [3, 2, 3, 1, 0, 0, 1],
    [3, 2, 3, 2, 0, 1, 1], [3, 2, 4, 1, 1, 1, 1], [3, 2, 4, 2, 1, 0, 1], [3, 3, 3, 1, 2, 2, 2],
    [5, 1, 3, 1, 0, 0, 2], [5, 3, 2, 1, 1, 1, 3], [6, 3, 2, 1, 0, 0, 3], [6, 2, 4, 1, 0, 1, 2],
    [7, 3, 3, 1, 0, 0, 3], [8, 3, 2, 1, 1, 1, 5], [8, 3, 4, 2, 0, 0, 2],
  ])
  func poolsThatRoundUp(numbers: [Int]) {
    for op in ["MaxPool", "AveragePool", "LpPool"] {
      let template = NodeTemplate(
        op, .value(1, 2, numbers[0]), .list("kernel_shape", numbers[1]), .list("strides", numbers[2]),
        .list("dilations", numbers[3]), .list("pads", numbers[4], numbers[5]), .number("ceil_mode", 1))
      #expect(extents(template) == [1, 2, numbers[6]], "\(op) \(numbers)")
    }
  }

  /// Without padding as with a padding of zeros.
  @Test func validPoolsRoundUpToo() {
    let template = NodeTemplate(
      "MaxPool", .value(1, 2, 3), .list("kernel_shape", 2), .list("strides", 2), .number("ceil_mode", 1),
      .text("auto_pad", "VALID"))
    #expect(extents(template) == [1, 2, 2])
  }

  /// A convolution knows no rounding up.
  @Test func convolutionsDoNotRoundUp() {
    let template = NodeTemplate(
      "Conv", .value(1, 4, 6, 6), .weight(4, 4, 3, 3), .list("strides", 2, 2), .number("ceil_mode", 1))
    #expect(extents(template) == [1, 4, 2, 2])
  }

  /// (input, axes or none, sizes, output when stretched, not larger, not smaller)
  private static let sizes: [(input: [Int], axes: [Int], sizes: [Int], outputs: [[Int]])] = [
    ([1, 2, 6, 9], [2, 3], [7, 7], [[7, 7], [5, 7], [7, 11]]),
    ([1, 2, 6, 9], [3, 2], [7, 7], [[7, 7], [5, 7], [7, 11]]),
    ([1, 2, 6, 9], [3], [5], [[6, 5], [6, 5], [6, 5]]),
    ([1, 2, 6, 9], [-1, -2], [7, 5], [[5, 7], [5, 7], [5, 8]]),
    ([1, 2, 4, 8], [2, 3], [2, 5], [[2, 5], [2, 4], [3, 5]]),
    ([1, 2, 3, 7], [2, 3], [2, 5], [[2, 5], [2, 5], [2, 5]]),
    ([1, 2, 5, 10], [2, 3], [3, 5], [[3, 5], [3, 5], [3, 6]]),
    ([1, 2, 10, 5], [2, 3], [7, 7], [[7, 7], [7, 4], [14, 7]]),
  ]

  @Test(arguments: [("stretch", 0), ("not_larger", 1), ("not_smaller", 2)])
  func sizesKeepTheAspectRatio(policy: String, place: Int) {
    for (input, axes, sizes, outputs) in Self.sizes {
      var template = NodeTemplate(
        "Resize", .value(), .absent, .absent, .integers(), .list("axes"),
        .text("keep_aspect_ratio_policy", policy))
      template.parts[0].numbers = input
      template.parts[3].numbers = sizes
      template.parts[4].numbers = axes
      #expect(extents(template) == [1, 2] + outputs[place], "\(input) to \(sizes) on \(axes)")
    }
  }

  @Test func sizesForAllAxesKeepTheAspectRatioOfAll() {
    let template = NodeTemplate(
      "Resize", .value(1, 2, 6, 9), .absent, .absent, .integers(1, 2, 7, 7),
      .text("keep_aspect_ratio_policy", "stretch"))
    #expect(extents(template) == [1, 2, 7, 7])
    // The ratio of batch and channels, 1, counts like any other.
    var kept = template
    kept.parts[4] = .text("keep_aspect_ratio_policy", "not_larger")
    #expect(extents(kept) == [1, 2, 5, 7])
    kept.parts[4] = .text("keep_aspect_ratio_policy", "not_smaller")
    #expect(extents(kept) == [1, 2, 7, 11])
  }

  /// An extent that is not known leaves the ratio unknown, and with it every axis that is resized.
  @Test func anUnknownExtentLeavesTheRatioUnknown() {
    var graph = NodeTemplate(
      "Resize", .value(1, 2, 6, 9), .absent, .absent, .integers(7, 7), .list("axes", 2, 3),
      .text("keep_aspect_ratio_policy", "not_larger")
    ).model.main
    graph.inputs[0].type = .tensor(.float32, shape: [.known(1), .known(2), .open, .known(9)])
    let shapes = ShapeInference(graph: graph, opset: 19, assumptions: assumptions)
    #expect(shapes.extents["y0"] == [1, 2, nil, nil])
  }

  /// (extent, scale, output): the product in Float, as the runtime takes it, rounded down.
  @Test(arguments: [
    (10, 1.5, 15), (5, 0.5, 2), (5, 1.4, 7), (10, 0.7, 7), (10, 2.3, 23), (3, 0.7, 2), (7, 1.4, 9),
    (13, 0.7, 9), (13, 2.3, 29),
  ])
  func scalesMultiplyInFloat(extent: Int, scale: Float, output: Int) {
    let template = NodeTemplate(
      "Resize", .value(1, 2, extent, 4), .absent, .floats(scale), .list("axes", -2))
    #expect(extents(template) == [1, 2, output, 4])
  }

  /// The region that is cropped does not enter the extents: scales are of the whole input, sizes of the output.
  @Test func croppedRegionsDoNotChangeTheExtents() {
    let mode = NodeTemplate.Part.text("coordinate_transformation_mode", "tf_crop_and_resize")
    let scaled = NodeTemplate(
      "Resize", .value(1, 2, 10, 8), .floats(0.2, 0.25, 0.7, 0.75), .floats(2, 2), .list("axes", 2, 3), mode)
    #expect(extents(scaled) == [1, 2, 20, 16])
    let sized = NodeTemplate(
      "Resize", .value(1, 2, 10, 8), .floats(0.2, 0.25, 0.7, 0.75), .absent, .integers(6, 6),
      .list("axes", 2, 3), mode, .text("keep_aspect_ratio_policy", "not_larger"))
    #expect(extents(sized) == [1, 2, 6, 5])
  }
}
