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
    return Element(sign: .plus, exponent: -exponent, significand: 1)
  }

  /// The largest absolute value; 0 for an empty tensor.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  private func largestMagnitude() -> Element {
    withSpan { span in
      var largest: Element = 0
      for i in span.indices { largest = Swift.max(largest, span[i].magnitude) }
      return largest
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
