import Maps
import ModelGraph
import Tensors

/// `Tile`: a tensor repeated along its axes.
struct TileOperator: Operator {
  static let opTypes = ["Tile"]

  init(_ node: NodeReader) throws(NetworkError) {}

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    let repeats = try plan.integers(try plan.required(inputs, 1))
    guard repeats.count == input.order, repeats.allSatisfy({ $0 >= 0 }) else {
      throw plan.failure("repeats of \(repeats) for \(input.extents)")
    }
    var extents: [Int] = []
    for (extent, count) in zip(input.extents, repeats) {
      guard let product = (CheckedInteger(extent) * CheckedInteger(count)).value else {
        throw plan.failure("repeats of \(repeats) for \(input.extents)")
      }
      extents.append(product)
    }
    try plan.requireRoom(extents, input.type)
    let output = try plan.make(extents, input.type)
    guard !extents.contains(0) else { return [output] }
    // Each repeated axis becomes two: the repeats, along which the input stays the same, and the axis itself. Where that is
    // more axes than one step goes through, the repeats of the first are steps of their own.
    var (source, target) = (plan.stored(input), output)
    var (shape, from, to) = ([Int](), [Int](), [Int]())
    var (starts, surplus) = ([0], input.order + repeats.count { $0 != 1 } - StridedLoops.mostAxes)
    for (axis, count) in repeats.enumerated() {
      let (extent, stride) = (input.extents[axis], output.layout.strides[axis])
      if count != 1, surplus > 0 {
        starts = starts.flatMap { start in (0..<count).map { start + $0 * stride * extent } }
        surplus -= 1
      } else if count != 1 {
        shape.append(count)
        from.append(0)
        to.append(stride * extent)
      }
      shape.append(extent)
      from.append(source.layout.strides[axis])
      to.append(stride)
    }
    source.layout = StridedShape(shape, strides: from)
    target.layout = StridedShape(shape, strides: to)
    for start in starts {
      target.offset = output.offset + start
      try plan.copy(source, to: target)
    }
    return [output]
  }
}
