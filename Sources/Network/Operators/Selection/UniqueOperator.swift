import ModelGraph
import Tensors

/// `Unique`: the different elements, or slices along an axis, with the first place of each, which one each is, and how often
/// each is there; computed outside of plans.
struct UniqueOperator: Operator {
  static let opTypes = ["Unique"]

  private let axis: Int?
  private let isSorted: Bool
  private let outputCount: Int

  init(_ node: NodeReader) throws(NetworkError) {
    axis = node.has("axis") ? try node.int("axis", default: 0) : nil
    isSorted = try node.flag("sorted", default: true)
    outputCount = node.outputCount
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    let axis = try self.axis.map { axis throws(LoweringStop) in
      try plan.axis(axis, order: input.order)
    }
    let (isSorted, outputCount) = (isSorted, outputCount)
    throw .outside { inputs throws(NetworkError) in
      guard let input = inputs.first ?? nil else { return [] }
      return Array(Self.unique(input, axis, isSorted: isSorted).prefix(outputCount))
    }
  }

  private static func unique(_ input: NetworkTensor, _ axis: Int?, isSorted: Bool) -> [NetworkTensor] {
    let shape = axis == nil ? Shape([input.shape.count]) : input.shape
    let axis = axis ?? 0
    let slices: [[Int]] = (0..<shape[axis]).map { shape.positions(axis, $0) }
    switch input.elements {
    case .floats(let tensor):
      let x = tensor.elements
      let groups = Groups(slices.map { $0.map { x[$0] } }, isSorted: isSorted)
      let result = groups.gathered(shape, axis) { Tensor(shape: $0, elements: $1) }
      return [NetworkTensor(result, type: input.type)] + groups.indices
    case .integers(let x):
      let groups = Groups(slices.map { $0.map { x[$0] } }, isSorted: isSorted)
      let result = groups.gathered(shape, axis) { NetworkTensor(shape: $0, integers: $1, type: input.type) }
      return [result] + groups.indices
    }
  }
}

extension Shape {
  /// The elements of one slice along an axis, row-major.
  fileprivate func positions(_ axis: Int, _ index: Int) -> [Int] {
    let inner = extents[(axis + 1)...].reduce(1, *)
    let outer = extents[..<axis].reduce(1, *)
    return (0..<outer).flatMap { o in (0..<inner).map { (o * extents[axis] + index) * inner + $0 } }
  }
}

/// Slices that are the same, together.
private struct Groups<Element: Comparable> {
  private var keys: [[Element]] = []
  private var first: [Int] = []
  private var counts: [Int] = []
  private var group: [Int] = []

  init(_ slices: [[Element]], isSorted: Bool) {
    let order = slices.indices.sorted { a, b in
      slices[a].lexicographicallyPrecedes(slices[b])
        || (!slices[b].lexicographicallyPrecedes(slices[a]) && a < b)
    }
    group = [Int](repeating: 0, count: slices.count)
    for slice in order {
      if keys.last.map({ $0 != slices[slice] }) ?? true {
        keys.append(slices[slice])
        first.append(slice)
        counts.append(0)
      }
      counts[counts.count - 1] += 1
      group[slice] = keys.count - 1
    }
    if !isSorted { orderByPlace() }
  }

  /// Brings the groups into the order of their first slices.
  private mutating func orderByPlace() {
    let order = first.indices.sorted { first[$0] < first[$1] }
    var rank = order
    for (place, old) in order.enumerated() { rank[old] = place }
    group = group.map { rank[$0] }
    (keys, counts, first) = (order.map { keys[$0] }, order.map { counts[$0] }, order.map { first[$0] })
  }

  /// The first places, the groups of all, and the counts.
  var indices: [NetworkTensor] {
    [first, group, counts].map { NetworkTensor(shape: [$0.count], integers: $0) }
  }

  /// The different slices as one tensor.
  func gathered<Result>(_ shape: Shape, _ axis: Int, _ make: (Shape, [Element]) -> Result) -> Result {
    var extents = shape.extents
    extents[axis] = keys.count
    let result = Shape(extents)
    let inner = extents[(axis + 1)...].reduce(1, *)
    let elements = (0..<result.count).map { position in
      let outer = position / (inner * keys.count)
      return keys[position / inner % keys.count][outer * inner + position % inner]
    }
    return make(result, elements)
  }
}
