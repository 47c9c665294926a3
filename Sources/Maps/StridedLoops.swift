internal import CKernels
import Tensors

/// A tensor's place in memory: extents, and the elements between neighbours along each axis.
package struct StridedShape: Hashable, Sendable {
  /// The extents.
  package let extents: [Int]
  /// The elements between neighbours; 0 along axes where all are the same, negative where they lie backwards.
  package let strides: [Int]

  /// Extents and strides.
  package init(_ extents: [Int], strides: [Int]) {
    precondition(extents.count == strides.count, "\(strides.count) strides for \(extents.count) axes")
    (self.extents, self.strides) = (extents, strides)
  }

  /// Row-major without gaps.
  package init(_ extents: [Int]) { self.init(extents, strides: Shape(extents).strides) }

  /// The elements in front of the first and from it on that are touched.
  package var reach: (before: Int, from: Int) {
    guard !extents.contains(0) else { return (0, 0) }
    var (before, from) = (0, 1)
    for (extent, stride) in zip(extents, strides) {
      if stride < 0 { before -= (extent - 1) * stride } else { from += (extent - 1) * stride }
    }
    return (before, from)
  }

  /// The same for a shape that this one is broadcast to, by NumPy's rule.
  ///
  /// **Traps** where it cannot be.
  package func broadcast(to target: [Int]) -> StridedShape {
    let missing = target.count - extents.count
    precondition(missing >= 0, "\(extents) broadcast to \(target)")
    let all = target.indices.map { axis in
      guard axis >= missing, extents[axis - missing] != 1 || target[axis] == 1 else { return 0 }
      precondition(extents[axis - missing] == target[axis], "\(extents) broadcast to \(target)")
      return strides[axis - missing]
    }
    return StridedShape(target, strides: all)
  }
}

/// Nested loops over up to four tensors of the same extents, worked out once and run many times.
///
/// Axes that can be gone through as one are joined, and sorted so that the last tensor, the result, is written as it
/// lies.
///
/// **Complexity** a run allocates nothing.
package struct StridedLoops: Sendable {
  /// The extents of the loops, the innermost last.
  package let extents: [Int]
  /// For each tensor the strides.
  package let strides: [[Int]]
  private let reaches: [(before: Int, from: Int)]
  /// The number of elements.
  package let count: Int

  /// The most axes left after joining.
  package static var mostAxes: Int { Int(LOWRANK_MOST_AXES) }

  /// Loops over tensors of the same extents, the result last; nil where more than `mostAxes` axes are left.
  ///
  /// The loops go as the result lies, or as another of the tensors, whose place is `leading`.
  ///
  /// **Traps** where extents differ, or there are more than four tensors.
  package init?(_ operands: [StridedShape], leading: Int? = nil) {
    precondition(
      (1...Int(LOWRANK_MOST_OPERANDS)).contains(operands.count)
        && operands.allSatisfy { $0.extents == operands[0].extents },
      "loops over \(operands.map(\.extents))")
    let all = operands[0].extents
    reaches = operands.map(\.reach)
    count = all.reduce(1, *)
    var axes = all.indices.filter { all[$0] != 1 }
    let result = operands[leading ?? operands.count - 1].strides
    axes.sort { (abs(result[$0]), $1) > (abs(result[$1]), $0) }
    var joined: [Int] = []
    var steps = [[Int]](repeating: [], count: operands.count)
    for axis in axes {
      let last = joined.count - 1
      let joins =
        last >= 0 && operands.indices.allSatisfy { steps[$0][last] == operands[$0].strides[axis] * all[axis] }
      if joins { joined[last] *= all[axis] } else { joined.append(all[axis]) }
      for (k, operand) in operands.enumerated() {
        if joins { steps[k][last] = operand.strides[axis] } else { steps[k].append(operand.strides[axis]) }
      }
    }
    guard joined.count <= Self.mostAxes else { return nil }
    (extents, strides) = (joined, steps)
  }

  /// The loops for C, of operands whose elements have so many bytes.
  func nest(sizes: [Int]) -> lowrank_loops {
    var loops = lowrank_loops()
    loops.order = extents.count
    loops.operands = sizes.count
    Self.set(&loops.extent, extents)
    Self.set(&loops.size, sizes)
    for (k, steps) in strides.enumerated() { Self.set(&loops.stride, steps, from: k * Self.mostAxes) }
    return loops
  }

  /// Writes numbers into an array of C, which is a tuple in Swift.
  private static func set<Numbers>(_ numbers: inout Numbers, _ values: [Int], from first: Int = 0) {
    withUnsafeMutableBytes(of: &numbers) { bytes in
      for (i, value) in values.enumerated() {
        bytes.storeBytes(of: value, toByteOffset: (first + i) * MemoryLayout<Int>.size, as: Int.self)
      }
    }
  }

  /// Traps unless an operand of `count` elements, the first one `offset` behind its start, holds all that is touched.
  func check(_ operand: Int, offset: Int, count: Int) {
    let reach = reaches[operand]
    precondition(
      offset >= reach.before && offset + reach.from <= count,
      "loops from \(offset - reach.before) to \(offset + reach.from) of \(count) elements")
  }
}
