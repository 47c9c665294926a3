import Maps
import ModelGraph
import Tensors

/// Operators on two or more values, broadcast by NumPy's rule: arithmetic, comparisons, and logic.
struct BinaryOperator: Operator {
  static let opTypes = Array(floats.keys) + Array(comparisons.keys) + Array(logic.keys) + ["Mod", "BitShift"]

  /// The operations on floats and on integers.
  private static let floats: [String: (LineOperation.Binary, LineOperation.IntegerBinary?)] = [
    "Add": (.add, .add), "Sub": (.subtract, .subtract), "Mul": (.multiply, .multiply),
    "Div": (.divide, .divide),
    "Pow": (.power, .power), "Min": (.minimum, .minimum), "Max": (.maximum, .maximum), "Sum": (.add, .add),
    "PRelu": (.negativeSlope, nil), "Mean": (.add, nil),
  ]
  private static let comparisons: [String: LineOperation.Comparison] = [
    "Equal": .equal, "Less": .less, "LessOrEqual": .lessOrEqual, "Greater": .greater,
    "GreaterOrEqual": .greaterOrEqual,
  ]
  private static let logic: [String: LineOperation.IntegerBinary] = [
    "And": .and, "Or": .or, "Xor": .exclusiveOr, "BitwiseAnd": .and, "BitwiseOr": .or,
    "BitwiseXor": .exclusiveOr,
  ]

  /// Whether results of integers may be beyond those of their type.
  private var canOverflow: Bool {
    ["Add", "Sub", "Mul", "Div", "Pow", "Sum", "BitShift"].contains(opType)
  }

  private enum Direction: String, CaseIterable { case left = "LEFT", right = "RIGHT" }

  /// The operator's name.
  let opType: String
  private let float: LineOperation?
  private let integer: LineOperation?
  private let isMean: Bool
  private let isTruth: Bool

  init(_ node: NodeReader) throws(NetworkError) {
    opType = node.opType
    isMean = opType == "Mean"
    isTruth = Self.comparisons[opType] != nil
    if let (float, integer) = Self.floats[opType] {
      self.float = .binary(float)
      self.integer = integer.map { .integerBinary($0) }
    } else if let comparison = Self.comparisons[opType] {
      float = .comparison(comparison, ofIntegers: false)
      integer = .comparison(comparison, ofIntegers: true)
    } else if opType == "Mod" {
      let truncates = try node.flag("fmod")
      float = truncates ? .binary(.remainder) : .binary(.modulus)
      integer = truncates ? .integerBinary(.remainder) : .integerBinary(.modulus)
    } else if opType == "BitShift" {
      let direction: Direction = try node.choice("direction", default: .left)
      (float, integer) = (nil, .integerBinary(direction == .left ? .shiftLeft : .shiftRight))
    } else {
      (float, integer) = (nil, Self.logic[opType].map { .integerBinary($0) })
    }
    guard node.node.inputs.count >= 1, node.node.inputs.allSatisfy({ !$0.isEmpty }) else {
      throw node.failure("an input is missing")
    }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let values = inputs.compactMap { $0 }
    guard var sum = values.first else { throw plan.failure("its inputs are missing") }
    if values.count == 1 { return [sum] }
    for (place, value) in values.enumerated().dropFirst() {
      sum = try combined(sum, value, for: place == values.count - 1 && !isMean ? outputs[0] : nil, &plan)
    }
    guard isMean else { return [sum] }
    let output = try plan.makeLike(sum, sum.type, for: outputs[0])
    let share = plan.known(
      NetworkTensor(Tensor(shape: [], repeating: 1 / Float(values.count))), isPermanent: false)
    try plan.apply(.binary(.multiply), [sum, share], to: output)
    return [output]
  }

  private func combined(
    _ a: Value, _ b: Value, for name: String?, _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value {
    var b = b
    // The exponent of a power may be of another type than its base, whose type the result has.
    if opType == "Pow", a.kind == .integer, b.kind == .float {
      let power = try combined(try plan.converted(a, to: .float32), b, for: nil, &plan)
      return try plan.cast(power, to: a.type, for: name ?? "")
    }
    if opType == "Pow", a.kind != b.kind { b = try plan.converted(b, to: a.type) }
    guard a.kind == b.kind else { throw plan.failure("its inputs are of \(a.type) and \(b.type)") }
    guard var operation = a.kind == .float ? float : integer else {
      throw plan.failure("it is not there for \(a.type)")
    }
    // Squares and roots are by far the commonest powers.
    var operands = [a, b]
    if operation == .binary(.power), a.count >= b.count, b.count == 1,
      let exponent = b.contents?.tensor.floats?.elements[0]
    {
      if exponent == 2 { (operation, operands) = (.binary(.multiply), [a, a]) }
      if exponent == 1 { (operation, operands) = (.unary(.copy), [a]) }
    }
    if operation == .integerBinary(.shiftRight), a.type == .uint64 {
      operation = .integerBinary(.unsignedShiftRight)
    }
    guard let extents = broadcastExtents(a.extents, b.extents) else {
      throw plan.failure("inputs of \(a.extents) and \(b.extents) cannot be broadcast")
    }
    let model = a.extents == extents && a.count >= b.count ? a : b
    let order = model.extents == extents ? model.axisOrder : .rowMajor
    let type = isTruth ? DataType.bool : a.type
    let output = try plan.make(extents, type, order, for: name)
    try plan.apply(operation, operands, to: output)
    return canOverflow && type != .bool ? try plan.narrowed(output, name ?? "") : output
  }
}

/// Extents after NumPy's broadcasting; nil where they do not fit.
func broadcastExtents(_ a: [Int], _ b: [Int]) -> [Int]? {
  let order = max(a.count, b.count)
  let x = [Int](repeating: 1, count: order - a.count) + a
  let y = [Int](repeating: 1, count: order - b.count) + b
  var result: [Int] = []
  for (p, q) in zip(x, y) {
    guard p == q || p == 1 || q == 1 else { return nil }
    result.append(p == 1 ? q : p)
  }
  return result
}

extension PlanBuilder {
  /// The value as another type's kind of elements.
  mutating func converted(_ value: Value, to type: DataType) throws(LoweringStop) -> Value {
    guard let kind = ElementKind(type) else { throw failure("there is no arithmetic for \(type) here") }
    var source = value
    source.type = value.kind == kind ? type : value.type
    guard value.kind != kind else { return source }
    let output = try make(value.extents, type, value.axisOrder)
    try apply(.conversion(kind == .integer ? .toInteger : .toFloat), [value], to: output)
    return output
  }
}
