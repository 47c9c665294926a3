import ModelGraph
import Tensors

/// `Gather`: slices of a tensor along one axis, by their indices.
///
///     z[..., i..., ...] = x[..., index[i...], ...]
struct GatherOperator: Operator {
  static let opTypes = ["Gather"]

  private let axis: Int

  init(_ node: NodeReader) throws(NetworkError) { axis = try node.int("axis", default: 0) }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let (data, indices) = (try plan.required(inputs, 0), try plan.required(inputs, 1))
    let axis = try plan.axis(self.axis, order: data.order)
    if indices.order == 0, let index = try? plan.integers(indices).first {
      return [try plan.slice(of: data, axis, index)]
    }
    return [try plan.gathered(data, axis, indices)]
  }
}

extension PlanBuilder {
  /// One slice along an axis, without the axis: another look at the same buffer.
  fileprivate mutating func slice(of data: Value, _ axis: Int, _ index: Int) throws(LoweringStop) -> Value {
    let extent = data.extents[axis]
    guard index >= -extent, index < extent else { throw failure("there is no index \(index) of \(extent)") }
    var part = stored(data).sliced(axis: axis, from: index < 0 ? index + extent : index, count: 1)
    var (extents, strides) = (part.layout.extents, part.layout.strides)
    extents.remove(at: axis)
    strides.remove(at: axis)
    part.layout = .init(extents, strides: strides)
    return part
  }

  /// Slices along an axis by indices that the run brings.
  mutating func gathered(
    _ data: Value, _ axis: Int, _ indices: Value
  ) throws(LoweringStop) -> Value {
    guard indices.kind == .integer else { throw failure("its indices are of \(indices.type)") }
    let extents = data.extents
    var gathered = extents
    gathered.replaceSubrange(axis...axis, with: indices.extents)
    let output = try make(gathered, data.type)
    let (data, indices) = (try arranged(data), try arranged(indices))
    let blocks = IndexedBlocks(
      outer: extents[..<axis].reduce(1, *), extent: extents[axis], inner: extents[(axis + 1)...].reduce(1, *))
    let isFloat = data.kind == .float
    try add(reads: [data, indices], writes: [output]) { memory in
      if isFloat { blocks.gather(Float.self, memory) } else { blocks.gather(Int.self, memory) }
    }
    return output
  }
}

/// A tensor as blocks: `[outer, extent, inner]`.
private struct IndexedBlocks: Sendable {
  let outer: Int
  let extent: Int
  let inner: Int

  /// Copies the blocks of indices; operands are the tensor, the indices, the result.
  func gather<Element: BitwiseCopyable>(_ type: Element.Type, _ memory: StepMemory) {
    let (data, indices) = (memory.elements(0, of: type), memory.integers(1))
    let output = memory.elements(2, of: type)
    guard output.count > 0 else { return }
    for k in 0..<outer {
      for i in 0..<indices.count {
        guard let index = memory.index(indices[i], extent) else { return }
        let (from, to) = ((k * extent + index) * inner, (k * indices.count + i) * inner)
        if inner == 1 {
          output[to] = data[from]
        } else {
          output[to..<(to + inner)].copy(data[from..<(from + inner)])
        }
      }
    }
  }
}

extension StepMemory {
  /// An operand's elements.
  func elements<Element: BitwiseCopyable>(_ operand: Int, of type: Element.Type) -> MemorySlice<Element> {
    table.slice(places[operand], of: type)
  }

  /// An index that may be counted from behind, from the front; nil, and a fault of the run, where there is none such.
  func index(_ index: Int, _ extent: Int) -> Int? {
    guard index >= -extent, index < extent else {
      table.fault = "there is no index \(index) of \(extent)"
      return nil
    }
    return index < 0 ? index + extent : index
  }
}
