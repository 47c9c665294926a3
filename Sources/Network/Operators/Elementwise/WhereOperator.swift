import Maps
import ModelGraph

/// `Where`: of each pair of elements the one that a condition chooses.
struct WhereOperator: Operator {
  static let opTypes = ["Where"]

  init(_ node: NodeReader) throws(NetworkError) {}

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let condition = try plan.required(inputs, 0)
    let (a, b) = (try plan.required(inputs, 1), try plan.required(inputs, 2))
    guard condition.kind == .integer, a.kind == b.kind else {
      throw plan.failure("a choice by \(condition.type) between \(a.type) and \(b.type)")
    }
    guard let both = broadcastExtents(a.extents, b.extents),
      let extents = broadcastExtents(condition.extents, both)
    else {
      throw plan.failure("inputs of \(condition.extents), \(a.extents), \(b.extents) cannot be broadcast")
    }
    let order = [a, b].first { $0.extents == extents }?.axisOrder ?? .rowMajor
    let output = try plan.make(extents, a.type, order, for: outputs[0])
    try plan.apply(
      .conversion(a.kind == .float ? .select : .selectIntegers), [condition, a, b], to: output)
    return [output]
  }
}
