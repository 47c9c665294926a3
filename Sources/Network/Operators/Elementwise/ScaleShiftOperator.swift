import Maps
import ModelGraph

/// `x scale + shift` in one step: what the fusion makes of a `Mul` with a constant and an `Add` of one behind it.
///
/// **Accuracy** one rounding less than the two nodes where the processor has fused multiply-adds.
struct ScaleShiftOperator: Operator {
  static let opTypes = ["ScaleShift"]

  init() {}

  init(_ node: NodeReader) throws(NetworkError) {
    guard node.node.domain == OperatorTable.ownDomain, node.node.inputs.count == 3 else {
      throw node.failure("there is no operator of this name here")
    }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let (x, scale, shift) = (
      try plan.required(inputs, 0), try plan.required(inputs, 1), try plan.required(inputs, 2)
    )
    guard x.kind == .float, scale.kind == .float, shift.kind == .float,
      let scaled = broadcastExtents(x.extents, scale.extents),
      let extents = broadcastExtents(scaled, shift.extents)
    else {
      throw plan.failure(
        "inputs of \(x.type) \(x.extents), \(scale.type) \(scale.extents) and \(shift.type) \(shift.extents)")
    }
    let order = x.extents == extents ? x.axisOrder : .rowMajor
    let output = try plan.make(extents, x.type, order, for: outputs[0])
    try plan.apply(.multiplyAdd, [x, scale, shift], to: output)
    return [output]
  }
}
