public import LinearAlgebra
public import Tensors

/// One convolution of a chain, whatever the extents of its input: weights, bias, activation, and where it reads.
///
///     Y = activation(K * X + bias)
///
/// **Shapes** `weights` [T, S / groups, D...], `bias` [T]; every list has one number for each spatial axis.
public struct ConvolutionStage<Element: LapackScalar>: Sendable {
  /// The kernel, `[T, S / groups, D...]`.
  public let weights: Tensor<Element>
  /// What is added to each output channel, `[T]`; nil for nothing.
  public let bias: Tensor<Element>?
  /// What happens to each element behind the bias.
  public let activation: Activation
  /// The number of groups. Neighbouring ones may run as one block, in which a NaN of one reaches all: see
  /// `ConvolutionPlan`.
  public let groups: Int
  /// The stride along each spatial axis.
  public let stride: [Int]
  /// The dilation along each spatial axis.
  public let dilation: [Int]
  /// Zeros in front of the input along each spatial axis.
  public let paddingBefore: [Int]
  /// Zeros behind the input along each spatial axis.
  public let paddingAfter: [Int]

  /// Checks and completes a stage; strides and dilations default to 1, paddings to 0.
  ///
  /// **Throws** where a list has the wrong length, a number is out of range, or the channels do not divide into the groups.
  ///
  /// **Traps** where the bias has another count than T, or the activation's parameters do not fit; see `Activation`.
  public init(
    weights: Tensor<Element>, bias: Tensor<Element>? = nil, activation: Activation = .none,
    stride: [Int]? = nil, dilation: [Int]? = nil, paddingBefore: [Int]? = nil, paddingAfter: [Int]? = nil,
    groups: Int = 1
  ) throws(ConvError) {
    // The smallest extents that the kernel fits into: those of the input come with each reshaping.
    let dilations = dilation ?? []
    let extents = weights.shape.extents.dropFirst(2).enumerated().map { axis, extent in
      let (covered, overflow) = (extent - 1).multipliedReportingOverflow(
        by: axis < dilations.count ? dilations[axis] : 1)
      // Beyond 2^31 the geometry refuses them.
      return overflow || covered >= 1 << 31 ? 1 << 31 : max(0, covered) + 1
    }
    self.init(
      try ConvolutionGeometry(
        kernelShape: weights.shape, inputExtents: extents, stride: stride, dilation: dilation,
        paddingBefore: paddingBefore, paddingAfter: paddingAfter, groups: groups),
      weights: weights, bias: bias, activation: activation)
  }

  /// The stage of a checked geometry.
  init(
    _ geometry: ConvolutionGeometry, weights: Tensor<Element>, bias: Tensor<Element>? = nil,
    activation: Activation = .none
  ) {
    let outputs = weights.shape[0]
    precondition(
      bias == nil || bias?.count == outputs,
      "a bias of \(String(describing: bias?.shape)) for \(outputs) channels")
    if let fault = activation.fault(channels: outputs) { preconditionFailure(fault) }
    self.weights = weights
    self.bias = bias
    self.activation = activation
    groups = geometry.groups
    (stride, dilation) = (geometry.stride, geometry.dilation)
    (paddingBefore, paddingAfter) = (geometry.paddingBefore, geometry.paddingAfter)
  }

  /// The input channels S of all groups together.
  public var inputChannels: Int { weights.shape[1] * groups }
  /// The output channels T of all groups together.
  public var outputChannels: Int { weights.shape[0] }

  /// The stage on images of some extents.
  ///
  /// **Throws** where the kernel is larger than the padded input, or a tensor's extents overflow.
  public func geometry(batch: Int, inputExtents: [Int]) throws(ConvError) -> ConvolutionGeometry {
    try ConvolutionGeometry(
      batch: batch, kernelShape: weights.shape, inputExtents: inputExtents, stride: stride,
      dilation: dilation, paddingBefore: paddingBefore, paddingAfter: paddingAfter, groups: groups)
  }
}
