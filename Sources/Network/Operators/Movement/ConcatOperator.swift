import ModelGraph
import Tensors

/// `Concat`: parts that were not made in place are copied into it.
struct ConcatOperator: Operator {
  static let opTypes = ["Concat"]

  /// The axis, counted from behind where negative.
  let axis: Int

  init(_ node: NodeReader) throws(NetworkError) {
    axis = try node.int("axis", default: 1)
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let parts = inputs.compactMap { $0 }
    guard let first = parts.first, parts.count == inputs.count else {
      throw plan.failure("an input is missing")
    }
    let axis = try plan.axis(self.axis, order: first.order)
    var total = CheckedInteger(0)
    for part in parts {
      guard part.order == first.order, part.kind == first.kind,
        part.extents.indices.allSatisfy({ $0 == axis || part.extents[$0] == first.extents[$0] })
      else { throw plan.failure("parts of \(parts.map(\.extents)) along axis \(axis)") }
      total = total + CheckedInteger(part.extents[axis])
    }
    guard let extent = total.value else { throw plan.failure("the extents overflow") }
    var extents = first.extents
    extents[axis] = extent
    let whole: Value
    if let placed = plan.placements.value(of: outputs[0]), placed.extents == extents {
      whole = placed
    } else {
      let order = parts.map(\.axisOrder).max { $0 == .rowMajor && $1 == .channelLast } ?? .rowMajor
      whole = try plan.make(extents, first.type, order, for: outputs[0])
    }
    var start = 0
    for part in parts {
      let place = whole.sliced(axis: axis, from: start, count: part.extents[axis])
      start += part.extents[axis]
      let isThere =
        part.buffer == place.buffer && part.offset == place.offset
        && part.layout.lies(as: place.layout.strides)
      if !isThere, part.count > 0 { try plan.copy(part, to: place) }
    }
    return [whole]
  }
}
