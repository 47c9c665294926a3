import ModelGraph
import Tensors

/// `Compress`: the slices along an axis, or the elements, for which a condition holds.
struct CompressOperator: Operator {
  static let opTypes = ["Compress"]

  private let axis: Int?

  init(_ node: NodeReader) throws(NetworkError) {
    axis = node.has("axis") ? try node.int("axis", default: 0) : nil
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    var input = try plan.required(inputs, 0)
    let condition = try plan.integers(try plan.required(inputs, 1))
    if axis == nil {
      input = try plan.arranged(input)
      input = input.reshaped([input.count]) ?? input
    }
    let axis = try plan.axis(self.axis ?? 0, order: input.order)
    guard condition.count <= input.extents[axis] else {
      throw plan.failure("a condition of \(condition.count) for \(input.extents)")
    }
    let indices = plan.known(condition.indices.filter { condition[$0] != 0 })
    return [try plan.gathered(input, axis, indices)]
  }
}
