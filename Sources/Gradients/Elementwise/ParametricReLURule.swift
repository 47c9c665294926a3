import Tensors

/// `PRelu`: `y = x`, and `s x` for negative x, with slopes s that are repeated to x.
///
///     dL/dx = g, and g s for negative x;   dL/ds = g x for negative x, summed where s was repeated
struct ParametricReLURule: GradientRule {
  static let opTypes = ["PRelu"]
  static let weightPlaces = [1]

  init(_ node: NodeSettings) throws(GradientError) {}

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    let (x, slopes, gradient) = (try pass.floats(0), try pass.floats(1), try pass.gradient())
    var results = pass.none
    if pass.wants(0) {
      let negative = gradient.combined(try slopes.repeated(to: x.shape, pass.node)) { $0 * $1 }
      // g s where x is negative, else g.
      let chosen = negative.combined(x) { $1 > 0 ? 0 : $0 }
      results[0] = chosen.combined(gradient.combined(x) { $1 > 0 ? $0 : 0 }) { $0 + $1 }
    }
    if pass.wants(1) {
      results[1] = try gradient.combined(x) { $1 > 0 ? 0 : $0 * $1 }.summed(to: slopes.shape, pass.node)
    }
    return results
  }
}
