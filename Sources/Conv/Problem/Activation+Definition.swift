#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension Activation {
  /// The activation of one number by its definition, in Double: what stages through CBLAS do.
  ///
  /// Of an infinity it is the limit.
  func callAsFunction(_ x: Double, channel: Int) -> Double {
    switch self {
    case .none: x
    case .relu: x < 0 ? 0 : x
    case .clip(let low, let high): x < low ? low : x > high ? high : x
    case .leakyReLU(let slope): x < 0 ? slope * x : x
    case .prelu(let slopes): x < 0 ? slopes[channel] * x : x
    case .sigmoid: logistic(x)
    case .silu: gated(x, by: x)
    case .hardSigmoid(let slope, let offset): bounded(slope * x + offset, 0, 1)
    case .hardSwish: x < -3 ? 0 : x * bounded(x + 3, 0, 6) / 6
    case .scaledHardSwish(let scale, let shift): scale * Activation.hardSwish(x, channel: channel) + shift
    case .tanh: hyperbolicTangent(x)
    case .gelu: x < -40 ? 0 : x * erfc(-x * 0.5.squareRoot()) / 2
    case .geluTanh: gated(x, by: (8 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))
    case .elu(let alpha): x < 0 ? alpha * expm1(x) : x
    }
  }
}

private func bounded(_ x: Double, _ low: Double, _ high: Double) -> Double {
  x < low ? low : x > high ? high : x
}

private func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }

/// `1 / (1 + e^-y)` without a large exponential, which would lose small results.
private func logistic(_ y: Double) -> Double {
  guard y < 0 else { return 1 / (1 + exp(-y)) }
  let power = exp(y)
  return power / (1 + power)
}

/// `x sigmoid(y)` with the limit 0 far below.
private func gated(_ x: Double, by y: Double) -> Double { y < -745 ? 0 : x * logistic(y) }

extension Activation {
  /// Puts the activation of each of `count` elements of one channel in its place.
  func apply<Element: BinaryFloatingPoint>(
    to elements: UnsafeMutablePointer<Element>, count: Int, channel: Int
  ) {
    switch self {
    case .none: return
    case .relu:
      for i in 0..<count where elements[i] < 0 { elements[i] = 0 }
    case .clip(let low, let high):
      let (low, high) = (Element(low), Element(high))
      for i in 0..<count { elements[i] = elements[i] < low ? low : elements[i] > high ? high : elements[i] }
    default:
      for i in 0..<count { elements[i] = Element(self(Double(elements[i]), channel: channel)) }
    }
  }
}
