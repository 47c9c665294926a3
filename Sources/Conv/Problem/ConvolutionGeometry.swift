public import Forms
public import Tensors

/// Where a convolution reads and how much it writes: extents, stride, dilation, padding and groups.
///
///     Y[n, t, y] = sum over s, d of  K[t, s, d] X[n, group(t) + s, y stride + d dilation - paddingBefore]
///
/// for each spatial axis, X being zero outside its extents. The input is `[N, S, extents...]`, the kernel
/// `[T, S / groups, D...]`, the output `[N, T, output extents...]`, with
///
///     output = floor((input + paddingBefore + paddingAfter - dilation (D - 1) - 1) / stride) + 1
///
/// Any number of spatial axes.
public struct ConvolutionGeometry: Hashable, Sendable {
  /// The number of images N.
  public let batch: Int
  /// The input channels S of all groups together.
  public let inputChannels: Int
  /// The output channels T of all groups together.
  public let outputChannels: Int
  /// The number of groups.
  public let groups: Int
  /// The input's spatial extents.
  public let inputExtents: [Int]
  /// The kernel's spatial extents D.
  public let kernel: [Int]
  /// The stride along each spatial axis.
  public let stride: [Int]
  /// The dilation along each spatial axis.
  public let dilation: [Int]
  /// Zeros in front of the input along each spatial axis.
  public let paddingBefore: [Int]
  /// Zeros behind the input along each spatial axis.
  public let paddingAfter: [Int]
  /// The output's spatial extents.
  public let outputExtents: [Int]

  /// Checks and completes a geometry; strides and dilations default to 1, paddings to 0.
  ///
  /// **Shapes** `kernelShape` [T, S / groups, D...]; every list has one number for each spatial axis.
  ///
  /// **Throws** where a list has the wrong length, a number is out of range, the channels do not divide into the
  /// groups, the kernel is larger than the padded input, or a tensor's extents overflow.
  public init(
    batch: Int = 1, kernelShape: Shape, inputExtents: [Int], stride: [Int]? = nil, dilation: [Int]? = nil,
    paddingBefore: [Int]? = nil, paddingAfter: [Int]? = nil, groups: Int = 1
  ) throws(ConvError) {
    let axes = max(0, kernelShape.order - 2)
    guard kernelShape.order >= 2 else {
      throw .wrongCount(what: "kernel shape", count: kernelShape.order, axes: axes)
    }
    try Self.check("batch", [batch], axes: 1, least: 1)
    try Self.check("number of groups", [groups], axes: 1, least: 1)
    try Self.check("channels", [kernelShape[0], kernelShape[1]], axes: 2, least: 1)
    self.kernel = try Self.check("kernel", Array(kernelShape.extents.dropFirst(2)), axes: axes, least: 1)
    self.inputExtents = try Self.check("input extents", inputExtents, axes: axes, least: 1)
    self.stride = try Self.check("stride", stride ?? kernel.map { _ in 1 }, axes: axes, least: 1)
    self.dilation = try Self.check("dilation", dilation ?? kernel.map { _ in 1 }, axes: axes, least: 1)
    self.paddingBefore = try Self.check(
      "padding", paddingBefore ?? kernel.map { _ in 0 }, axes: axes, least: 0)
    self.paddingAfter = try Self.check("padding", paddingAfter ?? kernel.map { _ in 0 }, axes: axes, least: 0)
    guard kernelShape[0] % groups == 0 else {
      throw .groupsDoNotDivide(channels: kernelShape[0], groups: groups)
    }
    self.batch = batch
    self.groups = groups
    self.outputChannels = kernelShape[0]
    self.inputChannels = kernelShape[1] * groups
    var outputs: [Int] = []
    for axis in 0..<axes {
      let covered = self.dilation[axis] * (kernel[axis] - 1) + 1
      let padded = inputExtents[axis] + self.paddingBefore[axis] + self.paddingAfter[axis]
      guard covered <= padded else {
        throw .kernelLargerThanInput(axis: axis, kernel: covered, input: padded)
      }
      outputs.append((padded - covered) / self.stride[axis] + 1)
    }
    self.outputExtents = outputs
    for (what, extents) in [
      ("input", [batch, inputChannels] + inputExtents), ("output", [batch, outputChannels] + outputs),
    ] where Shape(checking: extents) == nil { throw .tooLarge(what: what) }
    guard checkedMultiplies.value != nil else { throw .tooLarge(what: "number of multiplies") }
  }

  /// The numbers, if there is one for each axis and each lies between `least` and 2^31.
  @discardableResult
  private static func check(
    _ what: String, _ values: [Int], axes: Int, least: Int
  ) throws(ConvError) -> [Int] {
    guard values.count == axes else { throw .wrongCount(what: what, count: values.count, axes: axes) }
    // 2^31 keeps every sum and product of two of them inside Int.
    for value in values where value < least || value >= 1 << 31 {
      throw .outOfRange(what: what, value: value)
    }
    return values
  }

  /// The number of spatial axes.
  public var order: Int { kernel.count }
  /// `[N, S, extents...]`
  public var inputShape: Shape { Shape([batch, inputChannels] + inputExtents) }
  /// `[N, T, output extents...]`
  public var outputShape: Shape { Shape([batch, outputChannels] + outputExtents) }
  /// `[T, S / groups, D...]`
  public var kernelShape: Shape { Shape([outputChannels, inputChannels / groups] + kernel) }
  /// The number of positions of one input map.
  public var inputPositions: Int { inputExtents.reduce(1, *) }
  /// The number of positions of one output map.
  public var outputPositions: Int { outputExtents.reduce(1, *) }
  /// The multiplies of the definition above: N T (S / groups) D... H'W'.
  public var multiplies: Int { checkedMultiplies.value ?? .max }

  private var checkedMultiplies: CheckedInteger {
    kernelShape.multiplies(positions: outputExtents, images: batch)
  }

  /// Whether every output position reads exactly the input position of the same index.
  public var isPointwise: Bool {
    zip(zip(kernel, stride), zip(paddingBefore, paddingAfter)).allSatisfy {
      $0.0 == 1 && $0.1 == 1 && $1.0 == 0 && $1.1 == 0
    }
  }

  /// The geometries of the stages that stand for this convolution, each reading what the one before it wrote.
  ///
  /// Stride, dilation and padding go to the stages that carry them; the others are pointwise along that axis.
  ///
  /// **Traps** where the stages do not lead from S channels to T over the same spatial axes.
  public func stages(_ shapes: [StageShape]) -> [ConvolutionGeometry] {
    precondition(
      shapes.first?.inputs == inputChannels && shapes.last?.outputs == outputChannels
        && zip(shapes, shapes.dropFirst()).allSatisfy { $0.outputs == $1.inputs },
      "the stages \(shapes) do not lead from \(inputChannels) channels to \(outputChannels)")
    var extents = inputExtents
    return shapes.map { shape in
      precondition(shape.kernel.count == order, "a stage over \(shape.kernel.count) axes, not \(order)")
      func carried(_ values: [Int], else other: Int) -> [Int] {
        zip(shape.carriesAxis, values).map { $0 ? $1 : other }
      }
      do {
        let stage = try ConvolutionGeometry(
          batch: batch, kernelShape: shape.weightShape, inputExtents: extents,
          stride: carried(stride, else: 1), dilation: carried(dilation, else: 1),
          paddingBefore: carried(paddingBefore, else: 0), paddingAfter: carried(paddingAfter, else: 0),
          groups: shape.groups)
        extents = stage.outputExtents
        return stage
      } catch {
        preconditionFailure("stage \(shape.name) does not fit \(self): \(error)")
      }
    }
  }
}
