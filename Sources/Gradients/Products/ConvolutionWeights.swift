import Conv
import Synchronization
import Tensors

/// A kernel and a bias, with the convolutions that are packed from them once for all runs that go by them.
final class ConvolutionWeights: Sendable {
  let kernel: Tensor<Float>
  let bias: Tensor<Float>?
  private let packed = Mutex<[Key: Convolution<Float>]>([:])

  /// What a packed convolution is made for: padding may depend on an input's extents.
  private struct Key: Hashable {
    let isForward: Bool
    let before: [Int]
    let after: [Int]
  }

  init(kernel: Tensor<Float>, bias: Tensor<Float>?) { (self.kernel, self.bias) = (kernel, bias) }

  /// `K * X + bias`
  func forward(_ x: Tensor<Float>, _ gradients: ConvolutionGradients) throws(ConvError) -> Tensor<Float> {
    let geometry = gradients.geometry
    let convolution = try convolution(geometry, isForward: true) { () throws(ConvError) in
      Convolution([
        try ConvolutionStage(
          weights: kernel, bias: bias, stride: geometry.stride, dilation: geometry.dilation,
          paddingBefore: geometry.paddingBefore, paddingAfter: geometry.paddingAfter,
          groups: geometry.groups)
      ])
    }
    guard let convolution else { return x }
    return try convolution.reshaped(batch: geometry.batch, inputExtents: geometry.inputExtents).run(x)
  }

  /// `K^T * dL/dY`
  func backward(
    _ gradient: Tensor<Float>, _ gradients: ConvolutionGradients
  ) throws(ConvError) -> Tensor<Float> {
    let geometry = gradients.geometry
    let convolution = try convolution(geometry, isForward: false) { () throws(ConvError) in
      try gradients.flipped(kernel)
    }
    guard let convolution else { return gradients.inputGradient(gradient, kernel: kernel) }
    return try convolution.reshaped(batch: geometry.batch, inputExtents: geometry.outputExtents).run(gradient)
  }

  private func convolution(
    _ geometry: ConvolutionGeometry, isForward: Bool, _ make: () throws(ConvError) -> Convolution<Float>?
  ) throws(ConvError) -> Convolution<Float>? {
    let key = Key(isForward: isForward, before: geometry.paddingBefore, after: geometry.paddingAfter)
    if let known = packed.withLock({ $0[key] }) { return known }
    guard let made = try make() else { return nil }
    packed.withLock { $0[key] = made }
    return made
  }
}
