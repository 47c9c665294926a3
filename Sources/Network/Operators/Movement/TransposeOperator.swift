/// `Transpose`: another look at the same elements.
struct TransposeOperator: Operator {
  static let opTypes = ["Transpose"]

  private let permutation: [Int]?

  init(_ node: NodeReader) throws(NetworkError) {
    permutation = try node.ints("perm")
    if let permutation, permutation.sorted() != Array(permutation.indices) {
      throw node.failure("'perm' is \(permutation), no order of axes")
    }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    let order = permutation ?? (0..<input.order).reversed()
    guard order.count == input.order else {
      throw plan.failure("'perm' is \(order) for an input of \(input.extents)")
    }
    return [plan.stored(input).permuted(order)]
  }
}

extension PlanBuilder {
  /// An input that may not be left out.
  func required(_ inputs: [Value?], _ place: Int) throws(LoweringStop) -> Value {
    guard place < inputs.count, let value = inputs[place] else { throw failure("input \(place) is missing") }
    return value
  }

  /// An input that may be left out.
  func optional(_ inputs: [Value?], _ place: Int) -> Value? { place < inputs.count ? inputs[place] : nil }

  /// An axis counted from behind where it is negative.
  func axis(_ axis: Int, order: Int) throws(LoweringStop) -> Int {
    guard axis >= -order, axis < order else { throw failure("an axis of \(axis) for \(order) axes") }
    return axis < 0 ? axis + order : axis
  }

  /// Different axes, each counted from behind where it is negative.
  func axes(_ axes: [Int], order: Int) throws(LoweringStop) -> [Int] {
    var result: [Int] = []
    for axis in axes { result.append(try self.axis(axis, order: order)) }
    guard Set(result).count == result.count else { throw failure("the axes \(axes) have one twice") }
    return result
  }
}
