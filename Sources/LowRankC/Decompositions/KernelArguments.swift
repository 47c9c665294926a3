internal import CLowRank
internal import Forms
internal import Tensors

/// The extents of a kernel as they come from outside.
func kernelShape(_ shape: UnsafePointer<Int64>?, order: Int32) throws(Failure) -> Shape {
  let order = try number(order, in: 2...Int(LOWRANK_MAX_ORDER), "order")
  return try kernelShape(Array(try buffer(shape, count: order, "shape")), "shape")
}

/// The shape of a kernel with these extents.
func kernelShape(_ values: [Int64], _ name: String) throws(Failure) -> Shape {
  var extents: [Int] = []
  for (axis, value) in values.enumerated() {
    extents.append(try number(value, in: 1...Limits.extent, "\(name)[\(axis)]"))
  }
  guard let shape = Shape(checking: extents), shape.count <= Limits.count else {
    throw Failure(LOWRANK_TOO_LARGE, "a kernel of \(extents) has more elements than BLAS can count")
  }
  return shape
}

extension Tensor {
  /// A copy of a caller's buffer, which must have the elements of the shape.
  init(
    copying elements: UnsafePointer<Element>?, count: Int, shape: Shape, _ name: String
  ) throws(Failure) {
    let source = try buffer(elements, count: count, name)
    try requireCount(count, shape.count, name)
    self.init(shape: shape) { span in
      span.withUnsafeMutableBufferPointer { target in
        _ = target.update(fromContentsOf: source)
      }
    }
  }

  /// Writes the elements to a caller's buffer, which must have as many.
  func copy(to elements: UnsafeMutablePointer<Element>?, count: Int, _ name: String) throws(Failure) {
    let target = try buffer(elements, count: count, name)
    try requireCount(count, self.count, name)
    withSpan { span in
      span.withUnsafeBufferPointer { source in _ = target.update(fromContentsOf: source) }
    }
  }
}
