/// What happens to each element of a convolution's result, behind the bias and the residual.
public enum Activation: Hashable, Sendable {
  /// Nothing.
  case none
  /// `max(x, 0)`
  case relu
  /// `min(max(x, low), high)`; ReLU6 is `clip(low: 0, high: 6)`. Either bound may be infinite; a NaN stays one.
  ///
  /// Plans trap where `low` is over `high` or one of them is NaN, for which there is no order that the result would be in:
  /// bounds from outside go through `bounds(low:high:)`.
  case clip(low: Double, high: Double)

  /// `clip(low:high:)` with bounds that come from outside.
  ///
  /// **Throws** where `low` is over `high` or one of them is NaN.
  public static func bounds(low: Double, high: Double) throws(ConvError) -> Activation {
    let activation = Activation.clip(low: low, high: high)
    guard activation.isOrdered else { throw .boundsNotInOrder(low: low, high: high) }
    return activation
  }

  /// The least result.
  public var low: Double {
    switch self {
    case .none: -.infinity
    case .relu: 0
    case .clip(let low, _): low
    }
  }

  /// Whether `low` is not over `high`; not so where one of them is NaN.
  var isOrdered: Bool { low <= high }

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
