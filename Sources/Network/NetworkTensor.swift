public import ModelGraph
public import Tensors

/// What goes into a network and comes out of it: a tensor of floats, or of integers or truth values.
///
/// Elements are row-major. All floating-point types are computed with as Float, all integers and truth values as Int.
public struct NetworkTensor: Sendable, Equatable {
  /// The elements.
  public enum Elements: Sendable, Equatable {
    /// Of any floating-point type.
    case floats(Tensor<Float>)
    /// Of any integer type, or 0 and 1 for truth values.
    case integers([Int])
  }

  /// What the model calls the elements.
  public let type: DataType
  /// The extents.
  public let shape: Shape
  /// The elements.
  public let elements: Elements

  /// A tensor of floats.
  public init(_ tensor: Tensor<Float>, type: DataType = .float32) {
    (self.type, shape, elements) = (type, tensor.shape, .floats(tensor))
  }

  /// A tensor of integers or truth values.
  ///
  /// **Traps** where there are not as many as the shape says.
  public init(shape: Shape, integers: [Int], type: DataType = .int64) {
    precondition(integers.count == shape.count, "\(integers.count) integers for a tensor of \(shape)")
    (self.type, self.shape, elements) = (type, shape, .integers(integers))
  }

  /// The elements of a tensor of floats; nil for others.
  public var floats: Tensor<Float>? {
    if case .floats(let tensor) = elements { tensor } else { nil }
  }

  /// The elements of a tensor of integers or truth values; nil for others.
  public var integers: [Int]? {
    if case .integers(let integers) = elements { integers } else { nil }
  }
}

/// What elements are computed as.
enum ElementKind: Hashable, Sendable {
  case float
  case integer

  /// Nil for types that there is no arithmetic for here.
  init?(_ type: DataType) {
    switch type {
    case .float32, .float64, .float16, .bfloat16: self = .float
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .bool: self = .integer
    default: return nil
    }
  }

  /// Bytes of an element.
  var byteCount: Int { self == .float ? 4 : 8 }
}
