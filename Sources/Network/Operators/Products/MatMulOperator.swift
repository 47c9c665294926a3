import Conv
import LinearAlgebra
import Maps
import ModelGraph
import Tensors

/// `MatMul`: products of the last two axes, by NumPy's rule; a packed product where the right side is a constant matrix.
struct MatMulOperator: DenseOperator {
  static let opTypes = ["MatMul"]

  private(set) var product: DenseProduct?

  init(_ node: NodeReader) throws(NetworkError) {
    guard node.isConstant(1), let constant = try node.constantExtents(1), constant.count == 2,
      constant.allSatisfy({ $0 > 0 }), !node.isConstant(0)
    else {
      product = nil
      return
    }
    guard let matrix = try node.takeConstant(1)?.floats else {
      throw node.failure("its matrix is of integers, which is not there")
    }
    do throws(ConvError) {
      product = try DenseProduct(
        weights: matrix.permuted([1, 0]), bias: nil, options: node.options.convolution)
    } catch { throw node.failure("\(error)") }
  }

  func with(_ product: DenseProduct) -> MatMulOperator {
    var other = self
    other.product = product
    return other
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let a = try plan.required(inputs, 0)
    guard let product else {
      return [try plan.product(a, try plan.required(inputs, 1), for: outputs[0])]
    }
    guard a.kind == .float, a.order >= 1, a.extents[a.order - 1] == product.inputs else {
      throw plan.failure("a left side of \(a.extents) for \(product.inputs) rows on the right")
    }
    let rows = a.extents.dropLast().reduce(1, *)
    let arranged = try plan.arranged(a)
    guard let matrix = arranged.reshaped([rows, product.inputs]) else {
      throw plan.failure("a left side with gaps")
    }
    let result = try product.lower(matrix, for: "", &plan)
    guard let shaped = result.reshaped(Array(a.extents.dropLast()) + [product.outputs]) else {
      throw plan.failure("a result with gaps")
    }
    return [shaped]
  }
}

extension PlanBuilder {
  /// The product of two values by NumPy's rule.
  mutating func product(_ a: Value, _ b: Value, for name: String) throws(LoweringStop) -> Value {
    guard a.kind == .float, b.kind == .float, a.order >= 1, b.order >= 1 else {
      throw failure("a product of \(a.type) \(a.extents) and \(b.type) \(b.extents)")
    }
    let (rowsOfA, rowsOfB) = (try arranged(a), try arranged(b))
    let left = a.order == 1 ? rowsOfA.reshaped([1] + a.extents) : rowsOfA
    let right = b.order == 1 ? rowsOfB.reshaped(b.extents + [1]) : rowsOfB
    guard let left, let right, left.extents[left.order - 1] == right.extents[right.order - 2],
      let outer = broadcastExtents(Array(left.extents.dropLast(2)), Array(right.extents.dropLast(2)))
    else { throw failure("a product of \(a.extents) and \(b.extents)") }
    let (rows, depth, columns) = (
      left.extents[left.order - 2], left.extents[left.order - 1], right.extents[right.order - 1]
    )
    let (x, y) = (left, right)
    let result = try make(outer + [rows, columns], .float32, .rowMajor, for: nil)
    let batches = BatchOffsets(outer, x: x.layout, y: y.layout)
    try add(reads: [x, y], writes: [result], multiplies: outer.reduce(1, *) * rows * depth * columns) {
      memory in
      let (x, y, z) = (memory.floats(0), memory.floats(1), memory.floats(2))
      for batch in 0..<batches.count {
        let (i, j) = batches[batch]
        MatrixProducts.multiply(
          x[i..<(i + rows * depth)], y[j..<(j + depth * columns)],
          into: z[batch * rows * columns..<(batch + 1) * rows * columns], rows: rows, depth: depth,
          columns: columns)
      }
    }
    var extents = result.extents
    if b.order == 1 { extents.removeLast() }
    if a.order == 1 { extents.remove(at: extents.count - (b.order == 1 ? 1 : 2)) }
    return result.reshaped(extents) ?? result
  }
}

/// Where the matrices of a batched product begin, with axes that are broadcast.
struct BatchOffsets: Sendable {
  private let x: [Int]
  private let y: [Int]
  /// The number of products.
  var count: Int { x.count }

  init(_ outer: [Int], x: StridedShape, y: StridedShape) {
    func offsets(_ layout: StridedShape) -> [Int] {
      let inner = StridedShape(
        Array(layout.extents.dropLast(2)), strides: Array(layout.strides.dropLast(2))
      ).broadcast(to: outer)
      return outer.indices.reduce([0]) { starts, axis in
        starts.flatMap { start in (0..<outer[axis]).map { start + $0 * inner.strides[axis] } }
      }
    }
    (self.x, self.y) = (offsets(x), offsets(y))
  }

  subscript(batch: Int) -> (Int, Int) { (x[batch], y[batch]) }
}
