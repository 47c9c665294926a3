import Tensors

/// `Gemm`: `Y = alpha op(A) op(B) + beta C`.
///
///     dL/dop(A) = alpha dL/dY op(B)^T,    dL/dop(B) = alpha op(A)^T dL/dY,    dL/dC = beta dL/dY, summed where it was repeated
///
/// **Shapes** op(A) [M, K], op(B) [K, N], C that can be repeated to [M, N].
struct GemmRule: GradientRule {
  static let opTypes = ["Gemm"]
  static let weightPlaces = [1, 2]

  private let alpha: Float
  private let beta: Float
  private let transposes: (a: Bool, b: Bool)

  init(_ node: NodeSettings) throws(GradientError) {
    alpha = node.node.float("alpha", default: 1)
    beta = node.node.float("beta", default: 1)
    transposes = (node.node.int("transA", default: 0) != 0, node.node.int("transB", default: 0) != 0)
  }

  func forward(_ pass: ForwardPass) throws(GradientError) -> [Tensor<Float>]? {
    let (a, b) = (try pass.floats(0), try pass.floats(1))
    let (rows, depth, columns) = try extents(pass.node, a.shape, b.shape)
    var y = a.withSpan { x in
      b.withSpan { w in
        Products.multiply(
          x, w, transposesLeft: transposes.a, transposesRight: transposes.b, rows: rows, depth: depth,
          columns: columns)
      }
    }.reshaped([rows, columns])
    if alpha != 1 { y = y.mapped { $0 * alpha } }
    if let c = pass.optional(2) { y.combine(try c.repeated(to: y.shape, pass.node)) { $0 + beta * $1 } }
    return [y]
  }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    let (a, b) = (try pass.floats(0), try pass.floats(1))
    var gradient = try pass.gradient()
    var results = pass.none
    if pass.wants(2) {
      let summed = try gradient.summed(to: try pass.floats(2).shape, pass.node)
      results[2] = beta == 1 ? summed : summed.mapped { $0 * beta }
    }
    let (rows, depth, columns) = try extents(pass.node, a.shape, b.shape)
    if alpha != 1 { gradient = gradient.mapped { $0 * alpha } }
    gradient.withSpan { g in
      a.withSpan { a in
        b.withSpan { b in
          if pass.wants(0) {
            // The transpose of a product is the product of the transposes in reverse.
            results[0] =
              transposes.a
              ? Products.multiply(
                b, g, transposesLeft: transposes.b, transposesRight: true, rows: depth, depth: columns,
                columns: rows)
              : Products.multiply(
                g, b, transposesRight: !transposes.b, rows: rows, depth: columns, columns: depth)
          }
          if pass.wants(1) {
            results[1] =
              transposes.b
              ? Products.multiply(
                g, a, transposesLeft: true, transposesRight: transposes.a, rows: columns, depth: rows,
                columns: depth)
              : Products.multiply(
                a, g, transposesLeft: !transposes.a, rows: depth, depth: rows, columns: columns)
          }
        }
      }
    }
    results[0] = results[0]?.reshaped(a.shape)
    results[1] = results[1]?.reshaped(b.shape)
    return results
  }

  private func extents(
    _ node: NodeSettings, _ a: Shape, _ b: Shape
  ) throws(GradientError) -> (rows: Int, depth: Int, columns: Int) {
    guard a.order == 2, b.order == 2 else { throw node.failure("matrices of \(a) and \(b)") }
    let (rows, depth) = transposes.a ? (a[1], a[0]) : (a[0], a[1])
    let (inner, columns) = transposes.b ? (b[1], b[0]) : (b[0], b[1])
    guard inner == depth, rows > 0, depth > 0, columns > 0 else {
      throw node.failure("matrices of \(a) and \(b)")
    }
    return (rows, depth, columns)
  }
}
