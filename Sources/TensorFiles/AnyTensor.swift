public import Tensors

/// A tensor out of a file, in the precision that holds what the file has: `Double` for float64, `Float` for the rest.
public enum AnyTensor: Sendable {
  /// Single precision.
  case float(Tensor<Float>)
  /// Double precision.
  case double(Tensor<Double>)

  /// The extents.
  public var shape: Shape {
    switch self {
    case .float(let tensor): tensor.shape
    case .double(let tensor): tensor.shape
    }
  }

  /// The tensor in the precision asked for, rounded to nearest.
  public func converted<Element: Scalar>(to: Element.Type = Element.self) -> Tensor<Element> {
    switch self {
    case .float(let tensor): tensor.converted()
    case .double(let tensor): tensor.converted()
    }
  }
}
