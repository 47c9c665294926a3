import Conv
import ModelGraph
import Tensors

/// One convolution of a network with constant weights, and what its results go through.
struct ConvolutionLayer: Sendable {
  /// `[T, S / groups, D...]`
  var weights: Tensor<Float>
  var bias: Tensor<Float>?
  var activation: Activation
  let groups: Int
  let window: WindowGeometry
  /// Zeros around the input that a node in front of it asked for: before, after.
  var extraPads: (before: [Int], after: [Int])?

  /// The stage for an input of some extents; nil where the kernel is larger than the padded input.
  func padding(on extents: [Int]) -> StagePadding? {
    let outer = zip(
      extents, zip(extraPads?.before ?? extents.map { _ in 0 }, extraPads?.after ?? extents.map { _ in 0 }))
    guard let placed = window.placed(on: outer.map { $0 + $1.0 + $1.1 }) else { return nil }
    let before = zip(placed.before, extraPads?.before ?? placed.before.map { _ in 0 }).map { $0 + $1 }
    let after = zip(placed.after, extraPads?.after ?? placed.after.map { _ in 0 }).map { $0 + $1 }
    guard (before + after).allSatisfy({ $0 >= 0 }) else { return nil }
    return StagePadding(before: before, after: after, output: placed.output)
  }

  /// The stage with a padding.
  func stage(_ padding: StagePadding) throws(ConvError) -> ConvolutionStage<Float> {
    try ConvolutionStage(
      weights: weights, bias: bias, activation: activation, stride: window.stride, dilation: window.dilation,
      paddingBefore: padding.before, paddingAfter: padding.after, groups: groups)
  }
}

/// Zeros around a stage's input, and the extents of its output.
struct StagePadding: Hashable, Sendable {
  let before: [Int]
  let after: [Int]
  let output: [Int]
}
