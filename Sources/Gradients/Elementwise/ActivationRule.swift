import ModelGraph
import Tensors

/// Functions of one element: `dL/dx = dL/dy f'(x)`; see `ActivationSlopes`.
struct ActivationRule: GradientRule {
  static let opTypes = Array(ActivationSlopes.byName.keys)

  private let slope: any ActivationSlope

  init(_ node: NodeSettings) throws(GradientError) {
    guard let slope = ActivationSlopes.byName[node.node.opType]?(node.node) else {
      throw node.failure("there is no gradient for this form of it")
    }
    self.slope = slope
  }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    pass.only(slope.gradient(try pass.floats(0), try pass.output(), try pass.gradient()))
  }
}

/// The slope of a function of one element.
protocol ActivationSlope: Sendable {
  /// `f'(x)`, given `y = f(x)` too, of which it is often a simple function.
  func slope(_ x: Float, _ y: Float) -> Float
  /// `g f'(x)` for all elements.
  func gradient(_ x: Tensor<Float>, _ y: Tensor<Float>, _ g: Tensor<Float>) -> Tensor<Float>
}

extension ActivationSlope {
  func gradient(_ x: Tensor<Float>, _ y: Tensor<Float>, _ g: Tensor<Float>) -> Tensor<Float> {
    precondition(x.count == g.count && y.count == g.count, "\(x.shape), \(y.shape) and \(g.shape)")
    return Tensor(shape: x.shape) { result in
      x.withSpan { x in
        y.withSpan { y in
          g.withSpan { g in
            for i in 0..<result.count {
              result[unchecked: i] = g[unchecked: i] * slope(x[unchecked: i], y[unchecked: i])
            }
          }
        }
      }
    }
  }
}
