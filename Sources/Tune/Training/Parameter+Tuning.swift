import Gradients
import ModelGraph
import Tensors

extension Parameter {
  /// Whether weight decay takes from it: kernels and matrices, not biases and slopes.
  var decays: Bool { start.shape.order > 1 }

  /// The weight as it would be read back from a file.
  func stored(_ value: Tensor<Float>) -> Tensor<Float> {
    type == .float32 || type == .float64 ? value : value.mapped { type.rounded($0) }
  }
}
