/// The element types that the engine computes in: `Float` and `Double`.
public protocol Scalar: BinaryFloatingPoint, BitwiseCopyable, Sendable {
  /// The name of the type in messages and files, as NumPy spells it.
  static var name: String { get }
}

extension Float: Scalar {
  /// `float32`
  public static var name: String { "float32" }
}

extension Double: Scalar {
  /// `float64`
  public static var name: String { "float64" }
}
