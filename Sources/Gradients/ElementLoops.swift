public import Tensors

extension Tensor where Element == Float {
  /// A tensor whose every element is made of this one's.
  @inlinable
  @inline(__always)
  package func mapped(_ body: (Float) -> Float) -> Tensor<Float> {
    Tensor(shape: shape) { result in
      withSpan { x in
        for i in 0..<result.count { result[unchecked: i] = body(x[unchecked: i]) }
      }
    }
  }

  /// A tensor whose every element is made of this one's and another's.
  ///
  /// **Traps** where the counts differ.
  @inlinable
  @inline(__always)
  package func combined(_ other: Tensor<Float>, _ body: (Float, Float) -> Float) -> Tensor<Float> {
    precondition(other.count == count, "\(shape) combined with \(other.shape)")
    return Tensor(shape: shape) { result in
      withSpan { x in
        other.withSpan { y in
          for i in 0..<result.count { result[unchecked: i] = body(x[unchecked: i], y[unchecked: i]) }
        }
      }
    }
  }

  /// Combines each element with another tensor's, in place.
  ///
  /// **Traps** where the counts differ.
  @inlinable
  @inline(__always)
  package mutating func combine(_ other: Tensor<Float>, _ body: (Float, Float) -> Float) {
    precondition(other.count == count, "\(shape) combined with \(other.shape)")
    withMutableSpan { x in
      other.withSpan { y in
        for i in 0..<x.count { x[unchecked: i] = body(x[unchecked: i], y[unchecked: i]) }
      }
    }
  }

  /// Adds another tensor of as many elements.
  package mutating func add(_ other: Tensor<Float>) { combine(other) { $0 + $1 } }
}

extension Span<Float> {
  /// The sum of some elements, of eight that go side by side: no bit depends on anything but the elements.
  func sum(_ range: Range<Int>) -> Float {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "elements \(range) of \(count)")
    var lanes = SIMD8<Float>()
    var i = range.lowerBound
    while i + 8 <= range.upperBound {
      for lane in 0..<8 { lanes[lane] += self[unchecked: i + lane] }
      i += 8
    }
    var rest: Float = 0
    while i < range.upperBound {
      rest += self[unchecked: i]
      i += 1
    }
    return lanes.sum() + rest
  }
}
