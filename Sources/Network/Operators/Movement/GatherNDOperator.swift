import ModelGraph
import Tensors

/// `GatherND` and `ScatterND`: blocks of a tensor whose leading indices the rows of an index tensor say.
struct GatherNDOperator: Operator {
  static let opTypes = ["GatherND", "ScatterND"]

  private let isGather: Bool
  private let batchAxes: Int
  private let reduction: ScatterReduction

  init(_ node: NodeReader) throws(NetworkError) {
    isGather = node.opType == "GatherND"
    batchAxes = isGather ? try node.int("batch_dims", default: 0) : 0
    reduction = isGather ? .none : try node.choice("reduction", default: .none)
    guard batchAxes >= 0 else { throw node.failure("\(batchAxes) axes of batches") }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let (data, indices) = (try plan.required(inputs, 0), try plan.required(inputs, 1))
    guard indices.kind == .integer, let width = indices.extents.last, width >= 0, indices.order > batchAxes,
      width <= data.order - batchAxes,
      data.extents.prefix(batchAxes) == indices.extents.prefix(batchAxes)
    else { throw plan.failure("indices of \(indices.type) and \(indices.extents) for \(data.extents)") }
    let blocks = IndexedRows(
      data.extents, batchAxes: batchAxes, width: width, rows: indices.extents.dropLast())
    let extents = indices.extents.dropLast() + data.extents[(batchAxes + width)...]
    if isGather { return [try gather(data, indices, blocks, Array(extents), &plan)] }
    let updates = try plan.required(inputs, 2)
    guard updates.extents == Array(extents), updates.kind == data.kind else {
      throw plan.failure("updates of \(updates.type) and \(updates.extents), not \(extents)")
    }
    let target = try plan.make(data.extents, data.type)
    let operands = [try plan.arranged(indices), try plan.arranged(updates)]
    try plan.copy(data, to: target)
    let reduction = reduction
    let isFloat = data.kind == .float
    try plan.add(reads: operands, writes: [target]) { memory in
      if isFloat {
        blocks.scatter(memory, reduction.ofFloats)
      } else {
        blocks.scatter(memory, reduction.ofIntegers)
      }
    }
    return [try plan.narrowed(target, outputs[0])]
  }

  private func gather(
    _ data: Value, _ indices: Value, _ blocks: IndexedRows, _ extents: [Int], _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value {
    let output = try plan.make(extents, data.type)
    let isFloat = data.kind == .float
    try plan.add(reads: [try plan.arranged(data), try plan.arranged(indices)], writes: [output]) { memory in
      if isFloat { blocks.gather(Float.self, memory) } else { blocks.gather(Int.self, memory) }
    }
    return output
  }
}

/// Rows of indices, and the blocks that they name.
private struct IndexedRows: Sendable {
  /// The extents that indices are of, and the elements between neighbours along them.
  let extents: [Int]
  let strides: [Int]
  let rows: Int
  let rowsOfBatch: Int
  let batchStride: Int
  let block: Int

  init(_ data: [Int], batchAxes: Int, width: Int, rows: [Int]) {
    let all = Shape(data).strides
    extents = Array(data[batchAxes..<(batchAxes + width)])
    strides = Array(all[batchAxes..<(batchAxes + width)])
    self.rows = rows.reduce(1, *)
    rowsOfBatch = max(1, rows[batchAxes...].reduce(1, *))
    batchStride = data[batchAxes...].reduce(1, *)
    block = data[(batchAxes + width)...].reduce(1, *)
  }

  /// Where the block of a row begins.
  private func start(_ row: Int, _ indices: MemorySlice<Int>, _ memory: StepMemory) -> Int? {
    var offset = row / rowsOfBatch * batchStride
    for axis in extents.indices {
      guard let index = memory.index(indices[row * extents.count + axis], extents[axis]) else { return nil }
      offset += index * strides[axis]
    }
    return offset
  }

  /// Operands are the tensor, the indices, the result.
  func gather<Element: BitwiseCopyable>(_ type: Element.Type, _ memory: StepMemory) {
    let (data, indices) = (memory.elements(0, of: type), memory.integers(1))
    let output = memory.elements(2, of: type)
    guard block > 0 else { return }
    for row in 0..<rows {
      guard let from = start(row, indices, memory) else { return }
      output[(row * block)..<((row + 1) * block)].copy(data[from..<(from + block)])
    }
  }

  /// Operands are the indices, the updates, the result, which is the tensor already.
  func scatter<Element: BitwiseCopyable>(_ memory: StepMemory, _ combine: (Element, Element) -> Element) {
    let (indices, updates) = (memory.integers(0), memory.elements(1, of: Element.self))
    let output = memory.elements(2, of: Element.self)
    guard block > 0 else { return }
    for row in 0..<rows {
      guard let to = start(row, indices, memory) else { return }
      for i in 0..<block { output[to + i] = combine(output[to + i], updates[row * block + i]) }
    }
  }
}
