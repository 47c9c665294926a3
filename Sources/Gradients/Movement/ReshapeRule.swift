import Tensors

/// Operators that keep the elements and their order: the gradient under the input's extents.
struct ReshapeRule: GradientRule {
  static let opTypes = ["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout", "Cast"]

  init(_ node: NodeSettings) throws(GradientError) {}

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    pass.only(try pass.gradient().reshaped(try pass.floats(0).shape))
  }
}
