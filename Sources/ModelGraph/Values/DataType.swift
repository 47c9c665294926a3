public import Tensors

/// What the elements of a value are.
public enum DataType: Hashable, Sendable {
  case float32, float64, float16, bfloat16
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case bool, string, complex64, complex128
  /// Floating point in 8 bits, of five formats.
  case float8e4m3fn, float8e4m3fnuz, float8e5m2, float8e5m2fnuz, float8e8m0
  /// Two elements a byte.
  case int4, uint4, float4e2m1
  /// Four elements a byte.
  case int2, uint2
  /// Any other, by the number that the file format gives it.
  case other(Int)

  /// A type of stored weights.
  public init(_ type: ElementType) {
    switch type {
    case .float16: self = .float16
    case .bfloat16: self = .bfloat16
    case .float32: self = .float32
    case .float64: self = .float64
    }
  }

  /// The type, where it is one that weights are stored in.
  public var elementType: ElementType? {
    switch self {
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .float32: .float32
    case .float64: .float64
    default: nil
    }
  }

  /// Bits of one element; nil where elements differ in length or the type is not known.
  public var bitCount: Int? {
    switch self {
    case .int2, .uint2: 2
    case .int4, .uint4, .float4e2m1: 4
    case .int8, .uint8, .bool: 8
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0: 8
    case .float16, .bfloat16, .int16, .uint16: 16
    case .float32, .int32, .uint32: 32
    case .float64, .int64, .uint64, .complex64: 64
    case .complex128: 128
    case .string, .other: nil
    }
  }
}
