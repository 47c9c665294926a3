import ModelGraph
import Tensors

/// `Expand`: a tensor broadcast to a shape, as another look at the same buffer.
struct ExpandOperator: Operator {
  static let opTypes = ["Expand"]

  init(_ node: NodeReader) throws(NetworkError) {}

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    let target = try plan.integers(try plan.required(inputs, 1))
    guard let extents = broadcastExtents(input.extents, target) else {
      throw plan.failure("\(input.extents) cannot be broadcast to \(target)")
    }
    return [try plan.expanded(input, to: extents)]
  }
}

extension PlanBuilder {
  /// Extents out of the model's numbers, whose elements have to fit into the memory that there is.
  func requireRoom(_ extents: [Int], _ type: DataType) throws(LoweringStop) {
    let size = CheckedInteger(ElementKind(type)?.byteCount ?? 8)
    guard let shape = Shape(checking: extents) else { throw failure("there is no tensor of \(extents)") }
    guard let bytes = (CheckedInteger(shape.count) * size).value, bytes <= options.memoryLimit else {
      throw .failure(
        .memory(
          what: "the output of node '\(current.name)'", byteCount: (CheckedInteger(shape.count) * size).value,
          limit: options.memoryLimit))
    }
  }

  /// The value broadcast to extents that it fits: another look at the same buffer.
  mutating func expanded(_ value: Value, to extents: [Int]) throws(LoweringStop) -> Value {
    try requireRoom(extents, value.type)
    var expanded = stored(value)
    expanded.layout = value.layout.broadcast(to: extents)
    if extents != value.extents { expanded.contents = nil }
    return expanded
  }
}
