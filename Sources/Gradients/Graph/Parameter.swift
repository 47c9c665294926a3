public import Tensors

/// A weight that there is a gradient for.
public struct Parameter: Sendable {
  /// The name of its value in the model.
  public let name: String
  /// How the model stores it; runs have it in Float.
  public let type: ElementType
  /// What it is at the start.
  public let start: Tensor<Float>
}
