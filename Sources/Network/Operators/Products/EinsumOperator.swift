import Maps
import ModelGraph
import Tensors

/// `Einsum`: sums of products over named axes, by transposition and a batched product, two inputs after another.
struct EinsumOperator: Operator {
  static let opTypes = ["Einsum"]

  /// An axis: a letter, or one that an ellipsis stands for, counted from behind.
  private enum Label: Hashable {
    case letter(Character)
    case other(Int)
  }

  private let terms: [String]
  private let result: String?

  init(_ node: NodeReader) throws(NetworkError) {
    let equation = try node.string("equation", default: "").filter { $0 != " " }
    let sides = equation.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    terms = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    result = sides.count == 2 && sides[1].hasPrefix(">") ? String(sides[1].dropFirst()) : nil
    let isWell = (terms + [result ?? ""]).allSatisfy { term in
      let rest = term.replacing("...", with: "", maxReplacements: 1)
      return rest.allSatisfy { $0.isASCII && $0.isLetter }
    }
    guard isWell, sides.count == (result == nil ? 1 : 2), terms.count == node.node.inputs.count,
      !terms.isEmpty
    else { throw node.failure("the equation '\(equation)' is none for \(node.node.inputs.count) inputs") }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    var operands: [(value: Value, labels: [Label])] = []
    for (place, term) in terms.enumerated() {
      operands.append(try operand(term, plan.stored(try plan.required(inputs, place)), &plan))
    }
    let wanted = resultLabels(operands.map(\.labels))
    guard Set(wanted).count == wanted.count,
      wanted.allSatisfy({ label in operands.contains { $0.labels.contains(label) } })
    else { throw plan.failure("the result's axes are not those of the inputs, each once") }
    try check(operands, plan)
    while operands.count > 1 {
      let (a, b) = (operands[0], operands[1])
      operands.removeFirst(2)
      let needed = Set(wanted).union(operands.flatMap(\.labels))
      operands.insert(try combined(a, b, needed: needed, &plan), at: 0)
    }
    let last = try summed(operands[0], keeping: Set(wanted), &plan)
    return [last.value.permuted(wanted.compactMap { last.labels.firstIndex(of: $0) })]
  }

  /// An input with different labels alone: axes of the same label are gone through together.
  private func operand(
    _ term: String, _ value: Value, _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> (value: Value, labels: [Label]) {
    guard value.kind == .float else { throw plan.failure("an input of \(value.type)") }
    let labels = Self.labels(term, order: value.order)
    guard labels.count == value.order else {
      throw plan.failure("'\(term)' for an input of \(value.extents)")
    }
    var (unique, extents, strides) = ([Label](), [Int](), [Int]())
    for (axis, label) in labels.enumerated() {
      if let known = unique.firstIndex(of: label) {
        guard extents[known] == value.extents[axis] else {
          throw plan.failure("axes of one name in '\(term)' for an input of \(value.extents)")
        }
        strides[known] += value.layout.strides[axis]
      } else {
        unique.append(label)
        extents.append(value.extents[axis])
        strides.append(value.layout.strides[axis])
      }
    }
    var diagonal = value
    diagonal.layout = StridedShape(extents, strides: strides)
    return (diagonal, unique)
  }

  private static func labels(_ term: String, order: Int) -> [Label] {
    guard let dots = term.firstRange(of: "...") else { return term.map { .letter($0) } }
    let (before, behind) = (term[..<dots.lowerBound], term[dots.upperBound...])
    let others = max(0, order - before.count - behind.count)
    return before.map { .letter($0) } + (0..<others).reversed().map { .other($0) }
      + behind.map { .letter($0) }
  }

  /// The axes of the result: those asked for, or all others and the letters that are there once, in their order.
  private func resultLabels(_ operands: [[Label]]) -> [Label] {
    let others = operands.joined().reduce(0) { count, label in
      if case .other(let place) = label { max(count, place + 1) } else { count }
    }
    if let result { return Self.labels(result, order: result.filter(\.isLetter).count + others) }
    let letters = terms.joined().filter(\.isLetter)
    let once = Set(letters).filter { letter in letters.count { $0 == letter } == 1 }.sorted()
    return (0..<others).reversed().map { .other($0) } + once.map { .letter($0) }
  }

  private func check(
    _ operands: [(value: Value, labels: [Label])], _ plan: PlanBuilder
  ) throws(LoweringStop) {
    var extents: [Label: Int] = [:]
    for operand in operands {
      for (label, extent) in zip(operand.labels, operand.value.extents) {
        let known = extents[label] ?? 1
        guard known == extent || known == 1 || extent == 1 else {
          throw plan.failure("axes of one name have the extents \(known) and \(extent)")
        }
        // Not the larger one: an axis of no places is broadcast to as well.
        extents[label] = known == 1 ? extent : known
      }
    }
  }

  /// Sums over the axes that nobody needs any more.
  private func summed(
    _ operand: (value: Value, labels: [Label]), keeping needed: Set<Label>, _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> (value: Value, labels: [Label]) {
    let gone = operand.labels.indices.filter { !needed.contains(operand.labels[$0]) }
    guard !gone.isEmpty else { return operand }
    let sum = try plan.reduced(operand.value, gone, .sum)
    return (try plan.without(gone, of: sum), operand.labels.filter { needed.contains($0) })
  }

  /// The product of two inputs, summed over what nobody needs behind them.
  private func combined(
    _ first: (value: Value, labels: [Label]), _ second: (value: Value, labels: [Label]), needed: Set<Label>,
    _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> (value: Value, labels: [Label]) {
    // What is in one of them alone is summed before.
    let a = try summed(first, keeping: needed.union(second.labels), &plan)
    let b = try summed(second, keeping: needed.union(first.labels), &plan)
    let shared = a.labels.filter { b.labels.contains($0) }
    let batch = shared.filter { needed.contains($0) }
    let depth = shared.filter { !needed.contains($0) }
    let rows = a.labels.filter { !shared.contains($0) }
    let columns = b.labels.filter { !shared.contains($0) }
    func extent(_ label: Label) -> Int {
      let both = [a, b].compactMap { side in
        side.labels.firstIndex(of: label).map { side.value.extents[$0] }
      }
      return both.contains { $0 != 1 } ? both.first { $0 != 1 } ?? 1 : 1
    }
    /// The axes of one side in some groups, each group as one axis.
    func matrix(
      _ side: (value: Value, labels: [Label]), _ groups: [[Label]]
    ) throws(LoweringStop) -> Value {
      let order = groups.joined()
      let arranged = side.value.permuted(order.compactMap { side.labels.firstIndex(of: $0) })
      var full = arranged
      full.layout = arranged.layout.broadcast(to: order.map(extent))
      guard
        let flat = try plan.arranged(full).reshaped(groups.map { $0.reduce(1) { $0 * extent($1) } })
      else { throw plan.failure("an input with gaps") }
      return flat
    }
    let left = try matrix(a, [batch, rows, depth])
    let right = try matrix(b, [batch, depth, columns])
    let labels = batch + rows + columns
    guard let result = try plan.product(left, right, for: "").reshaped(labels.map(extent)) else {
      throw plan.failure("a result with gaps")
    }
    return (result, labels)
  }
}
