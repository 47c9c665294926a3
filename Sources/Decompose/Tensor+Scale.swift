import TensorCore

extension Tensor {
  /// 1 for tensors of ordinary size; otherwise the power of two that brings the largest magnitude near 1.
  ///
  /// Squares of Float numbers under 1e-19 underflow and over 1e19 overflow, so Gram matrices of such kernels would
  /// be zero or infinite. A power of two changes no digit.
  var unitScale: Element {
    let largest = largestMagnitude()
    guard largest > 0, largest.isFinite else { return 1 }
    // A quarter of the exponent range leaves room for squares and for sums of them.
    let room = Element.Exponent(Element.greatestFiniteMagnitude.exponent / 8)
    let exponent = largest.exponent
    guard exponent < -room || exponent > room else { return 1 }
    // Within the normal numbers, so that the scale and its inverse are powers of two themselves.
    let limit = Element.Exponent(-Element.leastNormalMagnitude.exponent)
    return Element(sign: .plus, exponent: Swift.max(-limit, Swift.min(limit, -exponent)), significand: 1)
  }

  /// The largest absolute value; 0 for an empty tensor.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  func largestMagnitude() -> Element {
    withSpan { span in
      // Four running maxima let the compiler use vector registers.
      var largest: (Element, Element, Element, Element) = (0, 0, 0, 0)
      var i = 0
      while i + 4 <= span.count {
        largest.0 = span[i].magnitude > largest.0 ? span[i].magnitude : largest.0
        largest.1 = span[i + 1].magnitude > largest.1 ? span[i + 1].magnitude : largest.1
        largest.2 = span[i + 2].magnitude > largest.2 ? span[i + 2].magnitude : largest.2
        largest.3 = span[i + 3].magnitude > largest.3 ? span[i + 3].magnitude : largest.3
        i += 4
      }
      while i < span.count {
        largest.0 = Swift.max(largest.0, span[i].magnitude)
        i += 1
      }
      return Swift.max(Swift.max(largest.0, largest.1), Swift.max(largest.2, largest.3))
    }
  }

  /// Every element times a factor.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  func scaled(by factor: Element) -> Tensor {
    var result = self
    result.withMutableSpan { span in
      for i in span.indices { span[i] *= factor }
    }
    return result
  }
}
