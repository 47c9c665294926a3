import ModelGraph
import Tensors

/// `GatherElements`, `Scatter` and `ScatterElements`: elements whose place along one axis an index tensor says.
///
///     z[p, i, q] = x[p, index[p, i, q], q]      or      z[p, index[p, i, q], q] = update[p, i, q]
struct GatherElementsOperator: Operator {
  static let opTypes = ["GatherElements", "Scatter", "ScatterElements"]

  private let axis: Int
  private let isGather: Bool
  private let reduction: ScatterReduction

  init(_ node: NodeReader) throws(NetworkError) {
    axis = try node.int("axis", default: 0)
    isGather = node.opType == "GatherElements"
    reduction = node.opType == "ScatterElements" ? try node.choice("reduction", default: .none) : .none
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let (data, indices) = (try plan.required(inputs, 0), try plan.required(inputs, 1))
    let axis = try plan.axis(self.axis, order: data.order)
    guard indices.kind == .integer, indices.order == data.order,
      data.extents.indices.allSatisfy({ $0 == axis || indices.extents[$0] <= data.extents[$0] })
    else { throw plan.failure("indices of \(indices.type) and \(indices.extents) for \(data.extents)") }
    var strides = Shape(data.extents).strides
    let indexing = AxisIndexing(extent: data.extents[axis], stride: strides[axis])
    strides[axis] = 0
    let positions = ElementIndexing(extents: indices.extents, strides: strides)
    if isGather { return [try gather(data, indices, positions, indexing, &plan)] }
    let updates = try plan.required(inputs, 2)
    guard updates.extents == indices.extents, updates.kind == data.kind else {
      throw plan.failure(
        "updates of \(updates.type) and \(updates.extents) for indices of \(indices.extents)")
    }
    return [try scatter(data, indices, updates, positions, indexing, outputs[0], &plan)]
  }

  /// The axis that indices are of.
  private struct AxisIndexing: Sendable {
    let extent: Int
    let stride: Int
  }

  private func gather(
    _ data: Value, _ indices: Value, _ positions: ElementIndexing, _ axis: AxisIndexing,
    _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value {
    let output = try plan.make(indices.extents, data.type)
    let isFloat = data.kind == .float
    func run<Element: BitwiseCopyable>(_ type: Element.Type) -> @Sendable (StepMemory) -> Void {
      { memory in
        let (x, indices, z) = (
          memory.elements(0, of: Element.self), memory.integers(1), memory.elements(2, of: Element.self)
        )
        for i in 0..<z.count {
          guard let index = memory.index(indices[i], axis.extent) else { return }
          z[i] = x[positions.offset(of: i) + index * axis.stride]
        }
      }
    }
    try plan.add(
      reads: [try plan.arranged(data), try plan.arranged(indices)], writes: [output],
      run: isFloat ? run(Float.self) : run(Int.self))
    return output
  }

  private func scatter(
    _ data: Value, _ indices: Value, _ updates: Value, _ positions: ElementIndexing, _ axis: AxisIndexing,
    _ name: String, _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value {
    let target = try plan.make(data.extents, data.type)
    let operands = [try plan.arranged(indices), try plan.arranged(updates)]
    try plan.copy(data, to: target)
    func run<Element: BitwiseCopyable>(
      _ combine: @escaping @Sendable (Element, Element) -> Element
    ) -> @Sendable (StepMemory) -> Void {
      { memory in
        let indices = memory.integers(0)
        let (updates, z) = (memory.elements(1, of: Element.self), memory.elements(2, of: Element.self))
        for i in 0..<updates.count {
          guard let index = memory.index(indices[i], axis.extent) else { return }
          let place = positions.offset(of: i) + index * axis.stride
          z[place] = combine(z[place], updates[i])
        }
      }
    }
    try plan.add(
      reads: operands, writes: [target],
      run: data.kind == .float ? run(reduction.ofFloats) : run(reduction.ofIntegers))
    return try plan.narrowed(target, name)
  }
}
