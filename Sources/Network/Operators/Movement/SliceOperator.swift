/// `Slice` and `Split`: other looks at parts of the same elements.
struct SliceOperator: Operator {
  static let opTypes = ["Slice"]

  private let starts: [Int]?
  private let ends: [Int]?
  private let axes: [Int]?

  init(_ node: NodeReader) throws(NetworkError) {
    (starts, ends, axes) = (try node.ints("starts"), try node.ints("ends"), try node.ints("axes"))
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    func numbers(_ place: Int, _ given: [Int]?) throws(LoweringStop) -> [Int]? {
      if let given { return given }
      guard let value = plan.optional(inputs, place) else { return nil }
      return try plan.integers(value)
    }
    guard let starts = try numbers(1, starts), let ends = try numbers(2, ends) else {
      throw plan.failure("its starts or ends are missing")
    }
    let axes = try plan.axes(try numbers(3, axes) ?? Array(starts.indices), order: input.order)
    let steps = try numbers(4, nil) ?? [Int](repeating: 1, count: starts.count)
    guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count else {
      throw plan.failure(
        "\(starts.count) starts, \(ends.count) ends, \(axes.count) axes, \(steps.count) steps")
    }
    var part = plan.stored(input)
    for (place, axis) in axes.enumerated() {
      guard steps[place] != 0 else { throw plan.failure("a step of 0") }
      let range = Self.range(starts[place], ends[place], steps[place], extent: input.extents[axis])
      part = part.sliced(axis: axis, from: range.start, count: range.count, step: range.step)
    }
    return [part]
  }

  /// The elements from `start` to in front of `end`, as NumPy has it: both bounded by the extent, counted from behind where
  /// negative.
  private static func range(_ start: Int, _ end: Int, _ step: Int, extent: Int) -> (
    start: Int, count: Int, step: Int
  ) {
    // A step longer than the axis takes one element, and so does this one, which cannot overflow.
    let step = step > 0 ? min(step, max(1, extent)) : max(step, -max(1, extent))
    func bounded(_ index: Int, _ low: Int, _ high: Int) -> Int {
      let index = index < 0 ? (index < -extent ? low : index + extent) : index
      return min(max(index, low), high)
    }
    guard extent > 0 else { return (0, 0, 1) }
    if step > 0 {
      let (first, last) = (bounded(start, 0, extent), bounded(end, 0, extent))
      return (min(first, extent - 1), max(0, (last - first + step - 1) / step), step)
    }
    let (first, last) = (bounded(start, 0, extent - 1), bounded(end, -1, extent - 1))
    return (first, max(0, (first - last - step - 1) / -step), step)
  }
}

/// `Split`
struct SplitOperator: Operator {
  static let opTypes = ["Split"]

  private let axis: Int
  private let sizes: [Int]?
  private let count: Int?
  private let outputCount: Int

  init(_ node: NodeReader) throws(NetworkError) {
    axis = try node.int("axis", default: 0)
    sizes = try node.ints("split")
    count = node.has("num_outputs") ? try node.int("num_outputs", default: 1) : nil
    outputCount = node.outputCount
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = plan.stored(try plan.required(inputs, 0))
    let axis = try plan.axis(self.axis, order: input.order)
    let extent = input.extents[axis]
    var parts = sizes
    if parts == nil, let given = plan.optional(inputs, 1) { parts = try plan.integers(given) }
    let sizes: [Int]
    if let parts { sizes = parts } else { sizes = try equalParts(extent, plan) }
    guard sizes.count == outputCount, sizes.allSatisfy({ $0 >= 0 && $0 <= extent }),
      sizes.reduce(0, +) == extent
    else {
      throw plan.failure("parts of \(sizes) of an axis of \(extent) for \(outputCount) outputs")
    }
    var start = 0
    return sizes.map { size in
      defer { start += size }
      return input.sliced(axis: axis, from: start, count: size)
    }
  }

  /// As equal as can be, the last one smaller where it has to be.
  private func equalParts(_ extent: Int, _ plan: PlanBuilder) throws(LoweringStop) -> [Int] {
    let parts = count ?? outputCount
    guard parts >= 1, parts == outputCount, count != nil || extent % parts == 0 else {
      throw plan.failure("an axis of \(extent) in \(parts) parts for \(outputCount) outputs")
    }
    let size = (extent + parts - 1) / parts
    return (0..<parts).map { max(0, min(size, extent - $0 * size)) }
  }
}
