import ModelGraph
import Tensors

/// `Trilu`: the upper or the lower triangles of matrices, with zeros elsewhere.
struct TriluOperator: Operator {
  static let opTypes = ["Trilu"]

  private let isUpper: Bool

  init(_ node: NodeReader) throws(NetworkError) { isUpper = try node.flag("upper", default: true) }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    var diagonal = 0
    if inputs.count > 1, let given = inputs[1] { diagonal = try plan.integers(given).first ?? 0 }
    guard input.order >= 2 else { throw plan.failure("its input is no matrix: \(input.extents)") }
    let output = try plan.make(input.extents, input.type)
    try plan.copy(input, to: output)
    let (rows, columns) = (input.extents[input.order - 2], input.extents[input.order - 1])
    let (matrices, isUpper, size) = (input.extents.dropLast(2).reduce(1, *), isUpper, input.kind.byteCount)
    let shift = max(-rows, min(columns, diagonal))
    try plan.add(reads: [output], writes: [output]) { memory in
      let bytes = memory.bytes(1)
      for row in 0..<(matrices * rows) {
        let first = max(0, min(columns, row % rows + shift + (isUpper ? 0 : 1)))
        let zeros = isUpper ? 0..<first : first..<columns
        let start = row * columns
        bytes[((start + zeros.lowerBound) * size)..<((start + zeros.upperBound) * size)].fill(0)
      }
    }
    return [output]
  }
}
