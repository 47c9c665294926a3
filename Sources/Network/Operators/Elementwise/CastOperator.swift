import Conv
import Maps
import ModelGraph
import Tensors

/// `Cast` and `CastLike`: floats become integers towards zero, and integers wrap around where the type is too narrow.
struct CastOperator: Operator {
  static let opTypes = ["Cast", "CastLike"]

  /// The type; nil for that of the second input.
  private let type: DataType?

  init(_ node: NodeReader) throws(NetworkError) {
    node.ignore("saturate", "round_mode")
    guard node.opType == "Cast" else {
      type = nil
      return
    }
    let type = DataType(number: try node.int("to", default: 0))
    guard ElementKind(type) != nil else { throw node.failure("there is no arithmetic for \(type) here") }
    self.type = type
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    if let type { return [try plan.cast(input, to: type, for: outputs[0])] }
    return [try plan.cast(input, to: try plan.required(inputs, 1).type, for: outputs[0])]
  }
}

extension PlanBuilder {
  /// A value as another type.
  mutating func cast(_ value: Value, to type: DataType, for name: String) throws(LoweringStop) -> Value {
    var value = value
    if type == .bool, value.type != .bool {
      let truth = try makeLike(value, .bool, for: name)
      if value.kind == .float {
        try apply(.conversion(.isNotZero), [value], to: truth)
      } else {
        try apply(.integerUnary(.not), [value], to: truth)
        try apply(.integerUnary(.not), [truth], to: truth)
      }
      return truth
    }
    value = try converted(value, to: type)
    value.type = type
    return try narrowed(value, name)
  }

  /// The value with every element one that its type has.
  mutating func narrowed(_ value: Value, _ name: String) throws(LoweringStop) -> Value {
    guard let bits = value.type.bitCount, value.kind == .integer, bits < 64, value.type != .bool else {
      return value
    }
    // The remainder of a power of two; for signed types, around zero.
    let result = try makeLike(value, value.type, for: name)
    let modulus = known([1 << bits], extents: [])
    switch value.type {
    case .uint8, .uint16, .uint32:
      try apply(.integerBinary(.modulus), [value, modulus], to: result)
    default:
      let half = known([1 << (bits - 1)], extents: [])
      try apply(.integerBinary(.add), [value, half], to: result)
      try apply(.integerBinary(.modulus), [result, modulus], to: result)
      try apply(.integerBinary(.subtract), [result, half], to: result)
    }
    return result
  }
}
