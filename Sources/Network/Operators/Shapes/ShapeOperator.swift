import ModelGraph

/// `Shape` and `Size`, which are known whatever the elements are.
struct ShapeOperator: Operator {
  static let opTypes = ["Shape", "Size"]

  private let isSize: Bool
  private let start: Int
  private let end: Int

  init(_ node: NodeReader) throws(NetworkError) {
    isSize = node.opType == "Size"
    start = try node.int("start", default: 0)
    end = try node.int("end", default: .max)
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    if isSize { return [plan.known([input.count], extents: [])] }
    func bounded(_ index: Int) -> Int {
      max(0, min(input.order, index < 0 ? max(index, -input.order) + input.order : index))
    }
    let (first, last) = (bounded(start), bounded(end))
    return [plan.known(Array(input.extents[first..<max(first, last)]))]
  }
}

/// `Constant`
struct ConstantOperator: ConstantSource {
  static let opTypes = ["Constant"]

  private let tensor: NetworkTensor

  init(_ node: NodeReader) throws(NetworkError) {
    if let tensor = try node.tensor("value") {
      self.tensor = tensor
    } else if node.has("value_int") {
      tensor = NetworkTensor(shape: [], integers: [try node.int("value_int", default: 0)])
    } else if let integers = try node.ints("value_ints") {
      tensor = NetworkTensor(shape: [integers.count], integers: integers)
    } else if node.has("value_float") {
      tensor = NetworkTensor(.init(shape: [], elements: [try node.float("value_float", default: 0)]))
    } else if let floats = try node.floats("value_floats") {
      tensor = NetworkTensor(.init(shape: [floats.count], elements: floats))
    } else {
      throw node.failure("its value is of a kind that there is no arithmetic for here")
    }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    [plan.known(tensor, isPermanent: true)]
  }
}
