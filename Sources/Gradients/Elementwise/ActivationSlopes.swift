#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif
import ModelGraph

/// The slopes of the functions of one element, by the names of their operators.
///
/// At a kink the slope is that of the side towards 0, as in PyTorch.
enum ActivationSlopes {
  static let byName: [String: @Sendable (Node) -> (any ActivationSlope)?] = [
    "Relu": { _ in Rectifier(negative: 0) },
    "LeakyRelu": { Rectifier(negative: $0.float("alpha", default: 0.01)) },
    "Sigmoid": { _ in Sigmoid() },
    "Tanh": { _ in Tanh() },
    "HardSigmoid": {
      HardSigmoid(slope: $0.float("alpha", default: 0.2), offset: $0.float("beta", default: 0.5))
    },
    "HardSwish": { _ in HardSwish() },
    "Swish": { Swish(alpha: $0.float("alpha", default: 1)) },
    "Elu": { Exponential(alpha: $0.float("alpha", default: 1), gamma: 1) },
    "Selu": {
      Exponential(
        alpha: $0.float("alpha", default: 1.67326319217681884765625),
        gamma: $0.float("gamma", default: 1.05070102214813232421875))
    },
    "Celu": { Celu(alpha: $0.float("alpha", default: 1)) },
    "Softplus": { _ in Softplus() },
    "Softsign": { _ in Softsign() },
    "Mish": { _ in Mish() },
    "Gelu": { node in
      if node.string("approximate") == "tanh" { return GeluTanh() }
      return Gelu()
    },
    "Erf": { _ in ErrorFunction() },
    "Exp": { _ in RareFunction { _, y in y } },
    "Log": { _ in RareFunction { x, _ in 1 / x } },
    "Sqrt": { _ in RareFunction { _, y in 0.5 / y } },
    "Reciprocal": { _ in RareFunction { _, y in -y * y } },
    "Neg": { _ in RareFunction { _, _ in -1 } },
    "Abs": { _ in RareFunction { x, _ in x > 0 ? 1 : x < 0 ? -1 : 0 } },
    "Sin": { _ in RareFunction { x, _ in cosf(x) } },
    "Cos": { _ in RareFunction { x, _ in -sinf(x) } },
  ]
}

/// `1 / (1 + exp(-x))`
@inline(__always)
private func logistic(_ x: Float) -> Float { 1 / (1 + expf(-x)) }

/// Relu and LeakyRelu.
private struct Rectifier: ActivationSlope {
  let negative: Float
  func slope(_ x: Float, _ y: Float) -> Float { x > 0 ? 1 : negative }
}

private struct Sigmoid: ActivationSlope {
  func slope(_ x: Float, _ y: Float) -> Float { y * (1 - y) }
}

private struct Tanh: ActivationSlope {
  func slope(_ x: Float, _ y: Float) -> Float { 1 - y * y }
}

/// `min(max(slope x + offset, 0), 1)`
private struct HardSigmoid: ActivationSlope {
  let slope: Float
  let offset: Float
  func slope(_ x: Float, _ y: Float) -> Float { y > 0 && y < 1 ? slope : 0 }
}

/// `x min(max(x + 3, 0), 6) / 6`
private struct HardSwish: ActivationSlope {
  func slope(_ x: Float, _ y: Float) -> Float { x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5 }
}

/// `x sigmoid(alpha x)`
private struct Swish: ActivationSlope {
  let alpha: Float
  func slope(_ x: Float, _ y: Float) -> Float {
    let s = logistic(alpha * x)
    return s + alpha * y * (1 - s)
  }
}

/// Elu and Selu: `gamma x`, and `gamma alpha (exp(x) - 1)` for x <= 0.
private struct Exponential: ActivationSlope {
  let alpha: Float
  let gamma: Float
  func slope(_ x: Float, _ y: Float) -> Float { x > 0 ? gamma : y + gamma * alpha }
}

/// `x`, and `alpha (exp(x / alpha) - 1)` for negative x.
private struct Celu: ActivationSlope {
  let alpha: Float
  func slope(_ x: Float, _ y: Float) -> Float { x > 0 ? 1 : y / alpha + 1 }
}

/// `ln(1 + exp(x))`
private struct Softplus: ActivationSlope {
  func slope(_ x: Float, _ y: Float) -> Float { logistic(x) }
}

/// `x / (1 + |x|)`
private struct Softsign: ActivationSlope {
  func slope(_ x: Float, _ y: Float) -> Float { 1 / ((1 + abs(x)) * (1 + abs(x))) }
}

/// `x tanh(softplus(x))`
private struct Mish: ActivationSlope {
  func slope(_ x: Float, _ y: Float) -> Float {
    let t = tanhf(log1pf(expf(min(x, 20))))
    return t + x * (1 - t * t) * logistic(x)
  }
}

/// `x (1 + erf(x / sqrt(2))) / 2`
private struct Gelu: ActivationSlope {
  func slope(_ x: Float, _ y: Float) -> Float {
    // The normal distribution, and x times its density.
    0.5 * (1 + erff(x * 0.70710678)) + x * 0.39894228 * expf(-0.5 * x * x)
  }
}

/// `x (1 + tanh(u)) / 2` with `u = sqrt(2 / pi) (x + 0.044715 x^3)`
private struct GeluTanh: ActivationSlope {
  func slope(_ x: Float, _ y: Float) -> Float {
    let t = tanhf(0.79788456 * (x + 0.044715 * x * x * x))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.79788456 * (1 + 0.134145 * x * x)
  }
}

private struct ErrorFunction: ActivationSlope {
  func slope(_ x: Float, _ y: Float) -> Float { 1.1283792 * expf(-x * x) }
}

/// Functions that are rare in networks.
private struct RareFunction: ActivationSlope {
  let body: @Sendable (Float, Float) -> Float
  init(_ body: @escaping @Sendable (Float, Float) -> Float) { self.body = body }
  func slope(_ x: Float, _ y: Float) -> Float { body(x, y) }
}
