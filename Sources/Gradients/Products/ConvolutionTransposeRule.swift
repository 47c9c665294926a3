import Conv
import Tensors

/// `ConvTranspose`: the gradient of a convolution's input as the way forward, and that convolution as its gradient.
///
///     Y = K^T * X + bias,    dL/dX = K * dL/dY,    dL/dK = as of the convolution from Y's extents to X's
///
/// **Shapes** the kernel [S, T / groups, D...], as of a convolution from T channels to S.
struct ConvolutionTransposeRule: GradientRule {
  static let opTypes = ["ConvTranspose"]
  static let weightPlaces = [1, 2]

  private let window: WindowSettings
  private let groups: Int
  private let outputPadding: [Int]?

  init(_ node: NodeSettings) throws(GradientError) {
    window = try WindowSettings(node)
    groups = node.node.int("group", default: 1)
    outputPadding = node.node.ints("output_padding")
    guard groups > 0 else { throw node.failure("\(groups) groups") }
    guard node.node.ints("output_shape") == nil, window.padding == .explicit || window.padding == .valid
    else {
      throw node.failure("there is no gradient for output_shape and auto_pad: give pads")
    }
  }

  func prepared(_ weights: [Tensor<Float>?]) -> (any Sendable)? {
    guard weights.count > 1, let kernel = weights[1] else { return nil }
    return ConvolutionWeights(kernel: kernel, bias: nil)
  }

  func forward(_ pass: ForwardPass) throws(GradientError) -> [Tensor<Float>]? {
    let (x, kernel) = (try pass.floats(0), try pass.floats(1))
    let weights = pass.prepared as? ConvolutionWeights ?? ConvolutionWeights(kernel: kernel, bias: nil)
    let gradients = try gradients(pass.node, x.shape, kernel: kernel.shape)
    var y: Tensor<Float>
    do throws(ConvError) { y = try weights.backward(x, gradients) } catch {
      throw pass.node.failure("\(error)")
    }
    try pass.node.requireBias(pass.optional(2), channels: y.shape[1])
    if let bias = pass.optional(2) { y.addToChannels(bias) }
    return [y]
  }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    let (x, kernel, gradient) = (try pass.floats(0), try pass.floats(1), try pass.gradient())
    let weights = pass.prepared as? ConvolutionWeights ?? ConvolutionWeights(kernel: kernel, bias: nil)
    let gradients = try gradients(pass.node, x.shape, kernel: kernel.shape)
    var results = pass.none
    do throws(ConvError) {
      if pass.wants(0) { results[0] = try weights.forward(gradient, gradients) }
    } catch { throw pass.node.failure("\(error)") }
    if pass.wants(1) { results[1] = gradients.kernelGradient(gradient, x) }
    if pass.wants(2) { results[2] = gradient.channelSums() }
    return results
  }

  /// The convolution from the extents of Y to those of X.
  private func gradients(
    _ node: NodeSettings, _ x: Shape, kernel: Shape
  ) throws(GradientError) -> ConvolutionGradients {
    guard x.order == kernel.order, (3...5).contains(x.order), x[1] == kernel[0] else {
      throw node.failure("an input of \(x) for a kernel of \(kernel)")
    }
    let extents = Array(x.extents.dropFirst(2))
    let axes = try window.axes(extents, kernel: Array(kernel.extents.dropFirst(2)), node)
    let more = outputPadding ?? [Int](repeating: 0, count: axes.count)
    guard more.count == axes.count else { throw node.failure("an output_padding of \(more)") }
    let outputs = zip(axes, more).map { axis, more in
      axis.stride * (axis.input - 1) + more + (axis.kernel - 1) * axis.dilation + 1 - axis.before - axis.after
    }
    return try ConvolutionGradients(
      batch: x[0], kernel: kernel, inputExtents: outputs, axes, groups: groups, node)
  }
}

extension Tensor where Element == Float {
  /// Adds one number to each channel.
  ///
  /// **Shapes** [N, C, ...] and [C].
  mutating func addToChannels(_ bias: Tensor<Float>) {
    let channels = shape[1]
    let positions = count / max(1, shape[0] * channels)
    withMutableSpan { x in
      bias.withSpan { bias in
        for row in 0..<(x.count / max(1, positions)) {
          let value = bias[row % channels]
          for i in row * positions..<(row + 1) * positions { x[unchecked: i] += value }
        }
      }
    }
  }
}
