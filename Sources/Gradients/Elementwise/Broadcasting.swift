import Tensors

/// The shape that two can be repeated to; nil where there is none.
func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
  let order = max(a.order, b.order)
  var extents: [Int] = []
  for axis in 0..<order {
    let x = axis < order - a.order ? 1 : a[axis - (order - a.order)]
    let y = axis < order - b.order ? 1 : b[axis - (order - b.order)]
    guard x == y || x == 1 || y == 1 else { return nil }
    extents.append(x == 1 ? y : x)
  }
  return Shape(extents)
}

extension Tensor where Element == Float {
  /// The tensor repeated along the axes where it has one element.
  ///
  /// **Throws** where it cannot be repeated to `target`.
  func repeated(to target: Shape, _ node: NodeSettings) throws(GradientError) -> Tensor<Float> {
    if shape == target { return self }
    if shape.count == target.count { return reshaped(target) }
    let steps = try steps(in: target, node)
    return Tensor(shape: target) { result in
      withSpan { x in
        forEachRow(of: target, steps) { row, from, count, step in
          if step == 0 {
            let value = x[from]
            for i in 0..<count { result[unchecked: row + i] = value }
          } else {
            for i in 0..<count { result[unchecked: row + i] = x[unchecked: from + i] }
          }
        }
      }
    }
  }

  /// The sums over what `repeated` has repeated: its transpose.
  ///
  /// **Shapes** of this tensor's shape; the result of `source`.
  func summed(to source: Shape, _ node: NodeSettings) throws(GradientError) -> Tensor<Float> {
    if shape == source { return self }
    if shape.count == source.count { return reshaped(source) }
    var result = Tensor<Float>(shape: source, repeating: 0)
    let steps = try result.steps(in: shape, node)
    withSpan { x in
      result.withMutableSpan { sums in
        forEachRow(of: shape, steps) { row, to, count, step in
          if step == 0 {
            sums[to] += x.sum(row..<row + count)
          } else {
            for i in 0..<count { sums[unchecked: to + i] += x[unchecked: row + i] }
          }
        }
      }
    }
    return result
  }

  /// Elements between neighbours along each axis of `target`, 0 where the tensor is repeated.
  private func steps(in target: Shape, _ node: NodeSettings) throws(GradientError) -> [Int] {
    guard broadcast(shape, target) == target else {
      throw node.failure("a tensor of \(shape) cannot be repeated to \(target)")
    }
    let missing = target.order - shape.order
    let strides = shape.strides
    return (0..<target.order).map { axis in
      axis < missing || shape[axis - missing] == 1 ? 0 : strides[axis - missing]
    }
  }
}

/// Goes over the rows along the last axis: where one begins, where it begins in a tensor of these steps, its length, and the
/// step along it, which is 0 or 1.
@inline(__always)
private func forEachRow(of shape: Shape, _ steps: [Int], _ body: (Int, Int, Int, Int) -> Void) {
  guard shape.count > 0 else { return }
  let inner = shape.order > 0 ? shape[shape.order - 1] : 1
  let step = steps.last ?? 0
  var index = [Int](repeating: 0, count: max(0, shape.order - 1))
  var place = 0
  for row in stride(from: 0, to: shape.count, by: inner) {
    body(row, place, inner, step)
    for axis in index.indices.reversed() {
      index[axis] += 1
      place += steps[axis]
      if index[axis] < shape[axis] { break }
      place -= index[axis] * steps[axis]
      index[axis] = 0
    }
  }
}
