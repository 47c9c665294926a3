import ModelGraph
import Tensors

/// `ConstantOfShape`: the same number everywhere, which takes the memory of one.
struct ConstantOfShapeOperator: Operator {
  static let opTypes = ["ConstantOfShape"]

  private let value: NetworkTensor

  init(_ node: NodeReader) throws(NetworkError) {
    let given = try node.tensor("value") ?? NetworkTensor(Tensor(shape: [1], repeating: Float(0)))
    guard given.shape.count == 1 else { throw node.failure("its value is \(given.shape), no single number") }
    switch given.elements {
    case .floats(let floats):
      value = NetworkTensor(Tensor(shape: [], repeating: floats.elements[0]), type: given.type)
    case .integers(let integers): value = NetworkTensor(shape: [], integers: integers, type: given.type)
    }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let extents = try plan.integers(try plan.required(inputs, 0))
    return [try plan.expanded(plan.known(value, isPermanent: true), to: extents)]
  }
}

/// `EyeLike`: ones on a diagonal of a matrix, zeros elsewhere.
struct EyeLikeOperator: Operator {
  static let opTypes = ["EyeLike"]

  private let type: DataType?
  private let diagonal: Int

  init(_ node: NodeReader) throws(NetworkError) {
    type = node.has("dtype") ? DataType(number: try node.int("dtype", default: 1)) : nil
    diagonal = try node.int("k", default: 0)
    if let type, ElementKind(type) == nil { throw node.failure("there is no arithmetic for \(type) here") }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    guard input.order == 2 else { throw plan.failure("its input is no matrix: \(input.extents)") }
    let type = type ?? input.type
    try plan.requireRoom(input.extents, type)
    let (rows, columns) = (input.extents[0], input.extents[1])
    var ones = [Int](repeating: 0, count: input.count)
    if diagonal > -rows, diagonal < columns {
      for row in 0..<rows where row + diagonal >= 0 && row + diagonal < columns {
        ones[row * columns + row + diagonal] = 1
      }
    }
    let shape = Shape(input.extents)
    guard ElementKind(type) == .float else {
      return [plan.known(NetworkTensor(shape: shape, integers: ones, type: type), isPermanent: false)]
    }
    let floats = Tensor(shape: shape, elements: ones.map { Float($0) })
    return [plan.known(NetworkTensor(floats, type: type), isPermanent: false)]
  }
}
