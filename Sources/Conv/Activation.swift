/// What happens to each element of a convolution's result, behind the bias and the residual.
public enum Activation: Hashable, Sendable {
  /// Nothing.
  case none
  /// `max(x, 0)`
  case relu
  /// `min(max(x, low), high)`; ReLU6 is `clip(low: 0, high: 6)`.
  case clip(low: Double, high: Double)

  /// The least result.
  public var low: Double {
    switch self {
    case .none: -.infinity
    case .relu: 0
    case .clip(let low, _): low
    }
  }

  /// The greatest result.
  public var high: Double {
    if case .clip(_, let high) = self { high } else { .infinity }
  }
}

/// What a plan does besides the convolution, on the way out.
struct Epilogue<Element: BinaryFloatingPoint & Sendable>: Sendable {
  let low: Element
  let high: Element

  init(_ activation: Activation) {
    low = Element(activation.low)
    high = Element(activation.high)
  }

  /// Whether the bounds change anything.
  var isBounded: Bool { low > -.infinity || high < .infinity }

  /// Adds the residual and bounds the result; a NaN stays one.
  func finish(_ output: UnsafeMutablePointer<Element>, adding residual: UnsafePointer<Element>?, count: Int) {
    guard residual != nil || isBounded else { return }
    for i in 0..<count {
      let sum = residual.map { output[i] + $0[i] } ?? output[i]
      output[i] = sum < low ? low : sum > high ? high : sum
    }
  }
}
