import Maps
import Tensors

/// `Softmax` and `LogSoftmax`; before opset 13 over all axes from the given one on.
struct SoftmaxOperator: Operator {
  static let opTypes = ["Softmax", "LogSoftmax"]

  private let axis: Int
  private let isLogarithm: Bool
  private let joinsAxes: Bool

  init(_ node: NodeReader) throws(NetworkError) {
    isLogarithm = node.opType == "LogSoftmax"
    joinsAxes = node.opset < 13
    axis = try node.int("axis", default: node.opset < 13 ? 1 : -1)
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    guard input.kind == .float else { throw plan.failure("an input of \(input.type)") }
    let axis = try plan.axis(self.axis, order: max(1, input.order))
    let joined = joinsAxes ? Array(axis..<input.order) : (input.order == 0 ? [] : [axis])
    // The line of a softmax is the last axis of a row-major value.
    let kept = input.extents.indices.filter { !joined.contains($0) }
    let arranged = try plan.arranged(plan.stored(input).permuted(kept + joined))
    let count = joined.reduce(1) { $0 * input.extents[$1] }
    let output = try plan.make(arranged.extents, input.type, .rowMajor, for: nil)
    let run = SoftmaxRun(
      rows: count == 0 ? 0 : input.count / count, count: count, isLogarithm: isLogarithm,
      threads: plan.options.threads, variant: plan.options.variant ?? .best)
    try plan.add(reads: [arranged], writes: [output]) { memory in
      run.run(input: memory.floats(0), output: memory.floats(1))
    }
    var back = [Int](repeating: 0, count: input.order)
    for (place, axis) in (kept + joined).enumerated() { back[axis] = place }
    return [output.permuted(back)]
  }
}
