import Maps
import ModelGraph
import Tensors

/// `OneHot`: one of two numbers, by whether the place along a new axis is the index.
struct OneHotOperator: Operator {
  static let opTypes = ["OneHot"]

  private let axis: Int

  init(_ node: NodeReader) throws(NetworkError) { axis = try node.int("axis", default: -1) }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let (given, values) = (try plan.required(inputs, 0), try plan.required(inputs, 2))
    let depth = try depth(try plan.required(inputs, 1), plan)
    let axis = try plan.axis(self.axis, order: given.order + 1)
    guard values.extents == [2] else { throw plan.failure("values of \(values.extents)") }
    var extents = given.extents
    extents.insert(depth, at: axis)
    try plan.requireRoom(extents, values.type)
    var indices = plan.stored(try plan.converted(given, to: .int64))
    var (shape, strides) = (indices.extents, indices.layout.strides)
    shape.insert(1, at: axis)
    strides.insert(0, at: axis)
    indices.layout = StridedShape(shape, strides: strides)
    // Indices below 0 count from behind.
    let wrapped = try plan.make(shape, .int64)
    let isNegative = try plan.make(shape, .bool)
    try plan.apply(
      .comparison(.less, ofIntegers: true), [indices, plan.known([0], extents: [])], to: isNegative)
    try plan.apply(.integerBinary(.add), [indices, plan.known([depth], extents: [])], to: wrapped)
    try plan.apply(.conversion(.selectIntegers), [isNegative, wrapped, indices], to: wrapped)
    var places = [Int](repeating: 1, count: extents.count)
    places[axis] = depth
    let isThere = try plan.make(extents, .bool)
    try plan.apply(
      .comparison(.equal, ofIntegers: true), [wrapped, plan.known(Array(0..<depth), extents: places)],
      to: isThere)
    let output = try plan.make(extents, values.type, for: "")
    let stored = plan.stored(values)
    var (off, on) = (stored.sliced(axis: 0, from: 0, count: 1), stored.sliced(axis: 0, from: 1, count: 1))
    (off.layout, on.layout) = (StridedShape([]), StridedShape([]))
    try plan.apply(
      .conversion(values.kind == .float ? .select : .selectIntegers), [isThere, on, off], to: output)
    return [output]
  }

  private func depth(_ value: Value, _ plan: PlanBuilder) throws(LoweringStop) -> Int {
    let depth: Int? =
      value.kind == .float
      ? try plan.floats(value).elements.first.flatMap { Int(exactly: $0) } : try plan.integers(value).first
    guard let depth, depth >= 0 else { throw plan.failure("its depth is no number") }
    try plan.requireRoom([depth], .int64)
    return depth
  }
}
