import Tensors

extension Tensor {
  /// The power of two that brings the largest magnitude between 1 and 2; 1 for a tensor of zeros.
  ///
  /// Every decomposition works at that scale and gives its factors the kernel's own at the end. So squares neither
  /// underflow nor overflow, what is random at a start has the size of the kernel, and a kernel times a power of two has
  /// the same factors but for that power: it changes no digit.
  var unitScale: Element {
    let largest = largestMagnitude()
    guard largest > 0, largest.isFinite else { return 1 }
    // Within the normal numbers, so that the scale and its inverse are powers of two themselves.
    let limit = Element.Exponent(-Element.leastNormalMagnitude.exponent)
    return Element(
      sign: .plus, exponent: Swift.max(-limit, Swift.min(limit, -largest.exponent)), significand: 1)
  }

  /// The tensor at unit scale, and the scale.
  func atUnitScale() -> (tensor: Tensor, scale: Element) {
    let scale = unitScale
    return (scale == 1 ? self : scaled(by: scale), scale)
  }

  /// A tensor at unit scale with zero for every magnitude under 2^-60.
  ///
  /// Together they are less than 2^-60 of the norm times the root of the count, far below what rounds in either element
  /// type; but products of them leave the normal numbers, and arithmetic on what lies below those is up to a hundred times
  /// slower.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  func withoutNegligible() -> Tensor {
    var result = self
    result.withMutableSpan { span in
      // Written whatever it is, which vectors can do.
      for i in span.indices { span[i] = span[i].magnitude < 0x1p-60 ? 0 : span[i] }
    }
    return result
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
