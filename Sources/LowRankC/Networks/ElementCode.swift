internal import CLowRank
internal import ModelGraph

extension lowrank_type {
  /// The types of a network's values by their number in the interface.
  private static let codes: [(code: lowrank_type, type: DataType)] = [
    (LOWRANK_FLOAT32, .float32), (LOWRANK_FLOAT64, .float64), (LOWRANK_FLOAT16, .float16),
    (LOWRANK_BFLOAT16, .bfloat16), (LOWRANK_INT8, .int8), (LOWRANK_INT16, .int16), (LOWRANK_INT32, .int32),
    (LOWRANK_INT64, .int64), (LOWRANK_UINT8, .uint8), (LOWRANK_UINT16, .uint16), (LOWRANK_UINT32, .uint32),
    (LOWRANK_UINT64, .uint64), (LOWRANK_BOOL, .bool),
  ]

  /// The number of a type; `LOWRANK_UNKNOWN_TYPE` for none, and for those that the interface has no number for.
  init(_ type: DataType?) { self = Self.codes.first { $0.type == type }?.code ?? LOWRANK_UNKNOWN_TYPE }

  /// What the model calls such elements; nil for other numbers.
  var dataType: DataType? { Self.codes.first { $0.code == self }?.type }
}

/// The elements of an array of the interface.
enum ElementCode: Equatable {
  case float, double
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case bool

  /// The elements of arrays of this type; `name` is the array's.
  init(_ type: lowrank_type, _ name: String) throws(Failure) {
    switch type {
    case LOWRANK_FLOAT32: self = .float
    case LOWRANK_FLOAT64: self = .double
    case LOWRANK_INT8: self = .int8
    case LOWRANK_INT16: self = .int16
    case LOWRANK_INT32: self = .int32
    case LOWRANK_INT64: self = .int64
    case LOWRANK_UINT8: self = .uint8
    case LOWRANK_UINT16: self = .uint16
    case LOWRANK_UINT32: self = .uint32
    case LOWRANK_UINT64: self = .uint64
    case LOWRANK_BOOL: self = .bool
    case LOWRANK_FLOAT16, LOWRANK_BFLOAT16:
      throw Failure(
        LOWRANK_INVALID_ARGUMENT,
        "\(name)->type is \(type.rawValue): floating-point values are LOWRANK_FLOAT32 or LOWRANK_FLOAT64 in arrays"
      )
    default: throw Failure(LOWRANK_INVALID_ARGUMENT, "\(name)->type is \(type.rawValue), which is no type")
    }
  }

  /// Whether the elements are integers or truth values.
  var isInteger: Bool { self != .float && self != .double }

  /// The bytes of an element, which is also the boundary that they lie on.
  var byteCount: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .int16, .uint16: 2
    case .float, .int32, .uint32: 4
    case .double, .int64, .uint64: 8
    }
  }
}
