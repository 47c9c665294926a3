import ModelGraph
import Tensors

/// `ReverseSequence`: the first elements of each sequence of a batch, the last one first.
struct ReverseSequenceOperator: Operator {
  static let opTypes = ["ReverseSequence"]

  private let batchAxis: Int
  private let timeAxis: Int

  init(_ node: NodeReader) throws(NetworkError) {
    batchAxis = try node.int("batch_axis", default: 1)
    timeAxis = try node.int("time_axis", default: 0)
    guard (batchAxis, timeAxis) == (0, 1) || (batchAxis, timeAxis) == (1, 0) else {
      throw node.failure("batches along axis \(batchAxis), time along axis \(timeAxis)")
    }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let (input, lengths) = (try plan.required(inputs, 0), try plan.required(inputs, 1))
    guard input.order >= 2, lengths.extents == [input.extents[batchAxis]], lengths.kind == .integer else {
      throw plan.failure("lengths of \(lengths.extents) for \(input.extents)")
    }
    let output = try plan.make(input.extents, input.type)
    let steps = input.extents[timeAxis]
    let strides = Shape(input.extents).strides
    let (batch, time, inner) = (strides[batchAxis], strides[timeAxis], strides[1])
    @Sendable func run<Element: BitwiseCopyable>(_ type: Element.Type, _ memory: StepMemory) {
      let (x, lengths, z) = (memory.elements(0, of: type), memory.integers(1), memory.elements(2, of: type))
      guard z.count > 0 else { return }
      for b in 0..<lengths.count {
        let length = lengths[b]
        guard length >= 0, length <= steps else {
          memory.table.fault = "a sequence of \(length) in \(steps) steps"
          return
        }
        for t in 0..<steps {
          let from = b * batch + (t < length ? length - 1 - t : t) * time
          let to = b * batch + t * time
          z[to..<(to + inner)].copy(x[from..<(from + inner)])
        }
      }
    }
    let isFloat = input.kind == .float
    try plan.add(reads: [try plan.arranged(input), try plan.arranged(lengths)], writes: [output]) { memory in
      if isFloat { run(Float.self, memory) } else { run(Int.self, memory) }
    }
    return [output]
  }
}
