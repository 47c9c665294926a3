import ModelGraph
import Tensors

/// `TopK`: the largest or the smallest elements along an axis, in order, and their places; of equal ones the first.
///
/// **Complexity** n log k comparisons for each line of n elements, in a heap of k indices.
struct TopKOperator: Operator {
  static let opTypes = ["TopK"]

  private let axis: Int
  private let isLargest: Bool
  /// The number that is asked for, before version 10.
  private let k: Int?

  init(_ node: NodeReader) throws(NetworkError) {
    axis = try node.int("axis", default: -1)
    isLargest = node.opset < 11 ? true : try node.flag("largest", default: true)
    // Those that are not wanted in order are given in order too.
    node.ignore("sorted")
    k = node.opset < 10 ? try node.int("k", default: 0) : nil
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    let k = if let k = self.k { k } else { try plan.integers(try plan.required(inputs, 1)).first ?? 0 }
    let axis = try plan.axis(self.axis, order: input.order)
    guard k >= 0, k <= input.extents[axis] else { throw plan.failure("\(k) of \(input.extents[axis])") }
    var extents = input.extents
    extents[axis] = k
    let (values, places) = (try plan.make(extents, input.type), try plan.make(extents, .int64))
    let lines = Lines(
      outer: extents[..<axis].reduce(1, *), extent: input.extents[axis],
      inner: extents[(axis + 1)...].reduce(1, *), k: k, isLargest: isLargest)
    let isFloat = input.kind == .float
    try plan.add(reads: [try plan.arranged(input)], writes: [values, places], scratch: max(8, 8 * k)) {
      memory in
      if isFloat { lines.run(Float.self, memory) } else { lines.run(Int.self, memory) }
    }
    return [values, places]
  }

  /// The lines of a tensor `[outer, extent, inner]` along its middle axis.
  private struct Lines: Sendable {
    let outer: Int
    let extent: Int
    let inner: Int
    let k: Int
    let isLargest: Bool

    /// Operands are the tensor, the values, the places, and scratch memory.
    func run<Element: BitwiseCopyable & Comparable>(_ type: Element.Type, _ memory: StepMemory) {
      let (x, values, places) = (
        memory.elements(0, of: type), memory.elements(1, of: type), memory.integers(2)
      )
      guard k > 0, values.count > 0 else { return }
      let heap = memory.integers(3)
      for line in 0..<(outer * inner) {
        let start = line / inner * extent * inner + line % inner
        func isWorse(_ i: Int, _ j: Int) -> Bool {
          let (a, b) = (x[start + i * inner], x[start + j * inner])
          return a == b ? i > j : isLargest ? a < b : b < a
        }
        select(heap, isWorse)
        let target = line / inner * k * inner + line % inner
        for rank in 0..<k {
          values[target + rank * inner] = x[start + heap[rank] * inner]
          places[target + rank * inner] = heap[rank]
        }
      }
    }

    /// Puts the indices of the best into the heap, the best first.
    private func select(_ heap: MemorySlice<Int>, _ isWorse: (Int, Int) -> Bool) {
      // The worst of those kept is at the root.
      for i in 0..<k { heap[i] = i }
      for i in (0..<(k / 2)).reversed() { sink(heap, i, k, isWorse) }
      for i in k..<extent where isWorse(heap[0], i) {
        heap[0] = i
        sink(heap, 0, k, isWorse)
      }
      for last in stride(from: k - 1, to: 0, by: -1) {
        (heap[0], heap[last]) = (heap[last], heap[0])
        sink(heap, 0, last, isWorse)
      }
    }

    private func sink(_ heap: MemorySlice<Int>, _ first: Int, _ count: Int, _ isWorse: (Int, Int) -> Bool) {
      var place = first
      while 2 * place + 1 < count {
        var child = 2 * place + 1
        if child + 1 < count, isWorse(heap[child + 1], heap[child]) { child += 1 }
        guard isWorse(heap[child], heap[place]) else { return }
        (heap[place], heap[child]) = (heap[child], heap[place])
        place = child
      }
    }
  }
}
