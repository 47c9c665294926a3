import ModelGraph
import Tensors

/// `Range`: numbers from one on, a step apart, short of a limit.
struct RangeOperator: Operator {
  static let opTypes = ["Range"]

  init(_ node: NodeReader) throws(NetworkError) {}

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let start = try plan.required(inputs, 0)
    guard start.kind == .float else { return [try integers(inputs, start.type, plan)] }
    var numbers: [Double] = []
    for place in 0..<3 {
      let value = try plan.floats(try plan.required(inputs, place))
      guard value.count == 1 else { throw plan.failure("its inputs are no single numbers") }
      numbers.append(Double(value.elements[0]))
    }
    let count = ((numbers[1] - numbers[0]) / numbers[2]).rounded(.up)
    guard numbers[2] != 0, count < 1e15 else {
      throw plan.failure("numbers from \(numbers[0]) to \(numbers[1]) in steps of \(numbers[2])")
    }
    let extent = max(0, Int(count))
    try plan.requireRoom([extent], start.type)
    let elements = (0..<extent).map { Float(numbers[0] + Double($0) * numbers[2]) }
    return [
      plan.known(
        NetworkTensor(Tensor(shape: [extent], elements: elements), type: start.type), isPermanent: false)
    ]
  }

  private func integers(
    _ inputs: [Value?], _ type: DataType, _ plan: PlanBuilder
  ) throws(LoweringStop) -> Value {
    var numbers: [Int] = []
    for place in 0..<3 {
      let value = try plan.integers(try plan.required(inputs, place))
      guard value.count == 1 else { throw plan.failure("its inputs are no single numbers") }
      numbers.append(value[0])
    }
    let (first, limit, step) = (numbers[0], numbers[1], numbers[2])
    let room = CheckedInteger(limit) - CheckedInteger(first)
    guard step != 0, step != .min, let room = room.value, room != .min else {
      throw plan.failure("numbers from \(first) to \(limit) in steps of \(step)")
    }
    let isEmpty = room == 0 || (room < 0) != (step < 0)
    let extent = isEmpty ? 0 : (abs(room) - 1) / abs(step) + 1
    try plan.requireRoom([extent], type)
    return plan.known((0..<extent).map { first + $0 * step }, type: type)
  }
}
