import Maps
import ModelGraph

/// `Not`, `BitwiseNot`, `IsNaN` and `IsInf`.
struct TruthOperator: Operator {
  static let opTypes = ["Not", "BitwiseNot", "IsNaN", "IsInf"]

  private let opType: String
  private let countsNegative: Bool
  private let countsPositive: Bool

  init(_ node: NodeReader) throws(NetworkError) {
    opType = node.opType
    countsNegative = opType == "IsInf" ? try node.flag("detect_negative", default: true) : false
    countsPositive = opType == "IsInf" ? try node.flag("detect_positive", default: true) : false
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    guard (input.kind == .float) == (opType == "IsNaN" || opType == "IsInf") else {
      throw plan.failure("it is not there for \(input.type)")
    }
    if opType == "BitwiseNot" {
      let output = try plan.makeLike(input, input.type, for: "")
      try plan.apply(.integerUnary(.complement), [input], to: output)
      return [try plan.narrowed(output, outputs[0])]
    }
    let output = try plan.makeLike(input, .bool, for: outputs[0])
    switch opType {
    case "Not": try plan.apply(.integerUnary(.not), [input], to: output)
    case "IsNaN": try plan.apply(.conversion(.isNaN), [input], to: output)
    default:
      try plan.apply(
        .conversion(.isInfinite), [input], to: output, alpha: countsNegative ? 1 : 0,
        beta: countsPositive ? 1 : 0)
    }
    return [output]
  }
}
