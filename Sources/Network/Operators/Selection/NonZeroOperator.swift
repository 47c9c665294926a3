import ModelGraph
import Tensors

/// `NonZero`: the indices of the elements that are not 0, one row an axis; computed outside of plans.
struct NonZeroOperator: Operator {
  static let opTypes = ["NonZero"]

  init(_ node: NodeReader) throws(NetworkError) {}

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    _ = try plan.required(inputs, 0)
    throw .outside { inputs throws(NetworkError) in
      guard let input = inputs.first ?? nil else { return [] }
      let positions =
        switch input.elements {
        case .floats(let floats): floats.elements.indices.filter { floats.elements[$0] != 0 }
        case .integers(let integers): integers.indices.filter { integers[$0] != 0 }
        }
      let strides = input.shape.strides
      let rows = strides.indices.flatMap { axis in
        positions.map { $0 / strides[axis] % input.shape[axis] }
      }
      return [NetworkTensor(shape: [input.shape.order, positions.count], integers: rows)]
    }
  }
}
