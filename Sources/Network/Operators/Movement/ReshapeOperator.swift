import Tensors

/// Operators that give the same elements other extents: another look, or a row-major copy where elements have to move.
struct ReshapeOperator: Operator {
  static let opTypes = ["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"]

  private enum Change: Sendable {
    case reshape(allowsZero: Bool, given: [Int]?)
    case flatten(axis: Int)
    case squeeze([Int]?)
    case unsqueeze([Int]?)
    case nothing
  }

  private let change: Change
  private let makesMask: Bool

  init(_ node: NodeReader) throws(NetworkError) {
    makesMask = node.opType == "Dropout" && node.outputCount > 1
    switch node.opType {
    case "Reshape":
      change = .reshape(allowsZero: try node.flag("allowzero"), given: try node.ints("shape"))
    case "Flatten": change = .flatten(axis: try node.int("axis", default: 1))
    case "Squeeze": change = .squeeze(try node.ints("axes"))
    case "Unsqueeze": change = .unsqueeze(try node.ints("axes"))
    default:
      node.ignore("ratio", "seed", "is_test")
      change = .nothing
    }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    if case .nothing = change { return try unchanged(input, inputs, &plan) }
    let extents = try extents(of: input, inputs, &plan)
    let stored = plan.stored(input)
    if let look = stored.reshaped(extents) { return [look] }
    let copy = try plan.arranged(stored)
    guard let look = copy.reshaped(extents) else {
      throw plan.failure("an input of \(input.extents) cannot become \(extents)")
    }
    return [look]
  }

  private func unchanged(
    _ input: Value, _ inputs: [Value?], _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    if let training = plan.optional(inputs, 2), try plan.integers(training).contains(where: { $0 != 0 }) {
      throw plan.failure("it is to drop elements as in training, which is not there")
    }
    guard makesMask else { return [input] }
    let mask = try plan.make(input.extents, .bool)
    let one = plan.known([1], extents: [], type: .bool)
    try plan.apply(.integerUnary(.copy), [one], to: mask)
    return [input, mask]
  }

  private func extents(
    of input: Value, _ inputs: [Value?], _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Int] {
    switch change {
    case .nothing: return input.extents
    case .flatten(let given):
      // One behind the last axis is an axis here.
      let axis = given < 0 ? given + input.order : given
      guard axis >= 0, axis <= input.order else {
        throw plan.failure("an axis of \(given) for \(input.extents)")
      }
      return [input.extents[..<axis].reduce(1, *), input.extents[axis...].reduce(1, *)]
    case .squeeze(let given):
      var gone = input.extents.indices.filter { input.extents[$0] == 1 }
      if let given {
        gone = try plan.axes(given, order: input.order)
      } else if let axes = plan.optional(inputs, 1) {
        gone = try plan.axes(try plan.integers(axes), order: input.order)
      }
      guard gone.allSatisfy({ input.extents[$0] == 1 }) else {
        throw plan.failure("the axes \(gone) of \(input.extents) are not all of extent 1")
      }
      return input.extents.indices.filter { !gone.contains($0) }.map { input.extents[$0] }
    case .unsqueeze(let given):
      let chosen: [Int]
      if let given { chosen = given } else { chosen = try plan.integers(try plan.required(inputs, 1)) }
      guard chosen.count <= 64 else { throw plan.failure("\(chosen.count) new axes") }
      let order = input.order + chosen.count
      let axes = try plan.axes(chosen, order: order)
      var rest = input.extents.makeIterator()
      return (0..<order).map { axes.contains($0) ? 1 : rest.next() ?? 1 }
    case .reshape(let allowsZero, let given):
      let asked: [Int]
      if let given { asked = given } else { asked = try plan.integers(try plan.required(inputs, 1)) }
      return try reshaped(input.extents, asked, allowsZero: allowsZero, plan)
    }
  }

  /// Extents of 0 are the input's, one of -1 is what is left.
  private func reshaped(
    _ extents: [Int], _ asked: [Int], allowsZero: Bool, _ plan: PlanBuilder
  ) throws(LoweringStop) -> [Int] {
    var result: [Int] = []
    for (axis, extent) in asked.enumerated() {
      guard extent != 0 || allowsZero || axis < extents.count else {
        throw plan.failure("the shape \(asked) takes an extent over that \(extents) does not have")
      }
      result.append(extent == 0 && !allowsZero ? extents[axis] : extent)
    }
    let count = extents.reduce(1, *)
    let open = result.indices.filter { result[$0] == -1 }
    let others = CheckedInteger.product(result.filter { $0 != -1 }.map { Optional($0) }).value
    guard open.count <= 1, let others, result.allSatisfy({ $0 >= -1 }) else {
      throw plan.failure("the shape \(asked) is none")
    }
    if let axis = open.first {
      guard others > 0, count % others == 0 else {
        throw plan.failure("an input of \(extents) cannot become \(asked)")
      }
      result[axis] = count / others
    } else if others != count {
      throw plan.failure("an input of \(extents) cannot become \(asked)")
    }
    return result
  }
}
