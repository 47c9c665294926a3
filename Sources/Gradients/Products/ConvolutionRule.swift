import Conv
import Tensors

/// `Conv`: see `ConvolutionGradients`.
struct ConvolutionRule: GradientRule {
  static let opTypes = ["Conv"]
  static let weightPlaces = [1, 2]

  private let window: WindowSettings
  private let groups: Int

  init(_ node: NodeSettings) throws(GradientError) {
    window = try WindowSettings(node)
    groups = node.node.int("group", default: 1)
    guard groups > 0 else { throw node.failure("\(groups) groups") }
  }

  func prepared(_ weights: [Tensor<Float>?]) -> (any Sendable)? {
    guard weights.count > 1, let kernel = weights[1] else { return nil }
    return ConvolutionWeights(kernel: kernel, bias: weights.count > 2 ? weights[2] : nil)
  }

  func forward(_ pass: ForwardPass) throws(GradientError) -> [Tensor<Float>]? {
    let (x, kernel) = (try pass.floats(0), try pass.floats(1))
    let weights =
      pass.prepared as? ConvolutionWeights ?? ConvolutionWeights(kernel: kernel, bias: pass.optional(2))
    let gradients = try gradients(pass.node, x.shape, kernel: weights.kernel.shape)
    try pass.node.requireBias(weights.bias, channels: gradients.geometry.outputChannels)
    do throws(ConvError) { return [try weights.forward(x, gradients)] } catch {
      throw pass.node.failure("\(error)")
    }
  }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    let (x, kernel, gradient) = (try pass.floats(0), try pass.floats(1), try pass.gradient())
    let weights = pass.prepared as? ConvolutionWeights ?? ConvolutionWeights(kernel: kernel, bias: nil)
    let gradients = try gradients(pass.node, x.shape, kernel: weights.kernel.shape)
    var results = pass.none
    do throws(ConvError) {
      if pass.wants(0) { results[0] = try weights.backward(gradient, gradients) }
    } catch { throw pass.node.failure("\(error)") }
    if pass.wants(1) { results[1] = gradients.kernelGradient(x, gradient) }
    if pass.wants(2) { results[2] = gradient.channelSums() }
    return results
  }

  private func gradients(
    _ node: NodeSettings, _ x: Shape, kernel: Shape
  ) throws(GradientError) -> ConvolutionGradients {
    guard x.order == kernel.order, (3...5).contains(x.order), x[1] == kernel[1] * groups else {
      throw node.failure("an input of \(x) for a kernel of \(kernel)")
    }
    let extents = Array(x.extents.dropFirst(2))
    let axes = try window.axes(extents, kernel: Array(kernel.extents.dropFirst(2)), node)
    return try ConvolutionGradients(
      batch: x[0], kernel: kernel, inputExtents: extents, axes, groups: groups, node)
  }
}

extension NodeSettings {
  /// Checks that there is one bias a channel.
  func requireBias(_ bias: Tensor<Float>?, channels: Int) throws(GradientError) {
    guard bias == nil || bias?.shape == [channels] else {
      throw failure("a bias of \(bias?.shape ?? []) for \(channels) channels")
    }
  }
}
