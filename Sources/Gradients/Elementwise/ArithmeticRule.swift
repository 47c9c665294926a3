#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif
import Tensors

/// Sums, differences, products, quotients and powers of two tensors, either repeated along axes of one element.
///
///     d(a + b) = (g, g),   d(a - b) = (g, -g),   d(a b) = (g b, g a),   d(a / b) = (g / b, -g y / b),
///     d(a^b) = (g b a^(b - 1), g y ln a)
struct ArithmeticRule: GradientRule {
  static let opTypes = ["Add", "Sub", "Mul", "Div", "Pow"]

  private let opType: String

  init(_ node: NodeSettings) throws(GradientError) { opType = node.node.opType }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    let (a, b, gradient) = (try pass.floats(0), try pass.floats(1), try pass.gradient())
    var results = pass.none
    if pass.wants(0) {
      results[0] = try left(pass, a, b, gradient).summed(to: a.shape, pass.node)
    }
    if pass.wants(1) {
      results[1] = try right(pass, a, b, gradient).summed(to: b.shape, pass.node)
    }
    return results
  }

  private func left(
    _ pass: BackwardPass, _ a: Tensor<Float>, _ b: Tensor<Float>, _ g: Tensor<Float>
  ) throws(GradientError) -> Tensor<Float> {
    switch opType {
    case "Mul": return g.combined(try pass.whole(b, g)) { $0 * $1 }
    case "Div": return g.combined(try pass.whole(b, g)) { $0 / $1 }
    case "Pow":
      return g.combined(try pass.whole(a, g).combined(try pass.whole(b, g)) { $1 * powf($0, $1 - 1) }) {
        $0 * $1
      }
    default: return g
    }
  }

  private func right(
    _ pass: BackwardPass, _ a: Tensor<Float>, _ b: Tensor<Float>, _ g: Tensor<Float>
  ) throws(GradientError) -> Tensor<Float> {
    switch opType {
    case "Sub": return g.mapped { -$0 }
    case "Mul": return g.combined(try pass.whole(a, g)) { $0 * $1 }
    case "Div": return g.combined(try pass.output().combined(try pass.whole(b, g)) { -$0 / $1 }) { $0 * $1 }
    case "Pow":
      return g.combined(try pass.output().combined(try pass.whole(a, g)) { $0 * logf($1) }) { $0 * $1 }
    default: return g
    }
  }
}

extension BackwardPass {
  /// An operand as large as the gradient.
  fileprivate func whole(_ x: Tensor<Float>, _ g: Tensor<Float>) throws(GradientError) -> Tensor<Float> {
    try x.repeated(to: g.shape, node)
  }
}
