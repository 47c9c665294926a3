import Tensors

/// `MatMul`, of matrices or batches of them.
///
///     Y = A B,    dL/dA = dL/dY B^T,    dL/dB = A^T dL/dY, summed over what was repeated
///
/// A matrix on the right of a batch takes the rows of all of it at once.
struct MatMulRule: GradientRule {
  static let opTypes = ["MatMul"]
  static let weightPlaces = [0, 1]

  init(_ node: NodeSettings) throws(GradientError) {}

  func forward(_ pass: ForwardPass) throws(GradientError) -> [Tensor<Float>]? {
    let (a, b) = (try pass.floats(0), try pass.floats(1))
    let form = try MatMulForm(a.shape, b.shape, pass.node)
    let (x, w) = (try a.repeated(to: form.left, pass.node), try b.repeated(to: form.right, pass.node))
    return [
      x.withSpan { x in
        w.withSpan { w in
          Products.multiply(
            x, w, batch: form.batch, rows: form.rows, depth: form.depth, columns: form.columns)
        }
      }.reshaped(form.output)
    ]
  }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    let (a, b, gradient) = (try pass.floats(0), try pass.floats(1), try pass.gradient())
    let form = try MatMulForm(a.shape, b.shape, pass.node)
    var results = pass.none
    if pass.wants(0) {
      let w = try b.repeated(to: form.right, pass.node)
      let part = gradient.withSpan { g in
        w.withSpan { w in
          Products.multiply(
            g, w, transposesRight: true, batch: form.batch, rows: form.rows, depth: form.columns,
            columns: form.depth)
        }
      }
      results[0] = try part.reshaped(form.left).summed(to: a.shape, pass.node)
    }
    if pass.wants(1) {
      let x = try a.repeated(to: form.left, pass.node)
      let part = x.withSpan { x in
        gradient.withSpan { g in
          Products.multiply(
            x, g, transposesLeft: true, batch: form.batch, rows: form.depth, depth: form.rows,
            columns: form.columns)
        }
      }
      results[1] = try part.reshaped(form.right).summed(to: b.shape, pass.node)
    }
    return results
  }
}

/// The extents of a product of batches of matrices.
private struct MatMulForm {
  let batch: Int
  let rows: Int
  let depth: Int
  let columns: Int
  /// The shapes to which the operands are repeated.
  let left: Shape
  let right: Shape
  let output: Shape

  init(_ a: Shape, _ b: Shape, _ node: NodeSettings) throws(GradientError) {
    guard a.order >= 2, b.order >= 2, a[a.order - 1] == b[b.order - 2], a.count > 0, b.count > 0 else {
      throw node.failure("there is no gradient for matrices of \(a) and \(b)")
    }
    let (m, k, n) = (a[a.order - 2], a[a.order - 1], b[b.order - 1])
    (depth, columns) = (k, n)
    guard b.order > 2 else {
      (batch, rows, left, right) = (1, a.count / k, a, b)
      output = Shape(a.extents.dropLast() + [n])
      return
    }
    guard
      let extents = broadcast(Shape(Array(a.extents.dropLast(2))), Shape(Array(b.extents.dropLast(2))))?
        .extents
    else { throw node.failure("there is no gradient for batches of \(a) and \(b)") }
    (batch, rows) = (extents.reduce(1, *), m)
    (left, right, output) = (Shape(extents + [m, k]), Shape(extents + [k, n]), Shape(extents + [m, n]))
  }
}
