import Tensors

/// `BatchNormalization` of a trained network, whose statistics and parameters stay as they are: a scale for each channel.
///
///     dL/dx = dL/dy gamma / sqrt(variance + epsilon)
struct BatchNormalizationRule: GradientRule {
  static let opTypes = ["BatchNormalization"]

  private let epsilon: Float

  init(_ node: NodeSettings) throws(GradientError) {
    epsilon = node.node.float("epsilon", default: 1e-5)
    guard node.node.int("training_mode", default: 0) == 0 else {
      throw node.failure("it is in training mode: export the network for inference")
    }
  }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    let scale = try pass.floats(1).combined(try pass.floats(4)) { $0 / ($1 + epsilon).squareRoot() }
    let gradient = try pass.gradient()
    guard gradient.shape.order >= 2, gradient.shape[1] == scale.count else {
      throw pass.node.failure("\(scale.count) scales for an output of \(gradient.shape)")
    }
    let ones = [Int](repeating: 1, count: gradient.shape.order - 2)
    let repeated = try scale.reshaped(Shape([1, scale.count] + ones)).repeated(to: gradient.shape, pass.node)
    return pass.only(gradient.combined(repeated) { $0 * $1 })
  }
}
