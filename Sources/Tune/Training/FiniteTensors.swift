import Tensors

extension Tensor where Element == Float {
  /// Whether there is neither NaN nor infinity.
  var isFinite: Bool {
    withSpan { x in
      var sum: Float = 0
      for i in 0..<x.count where !x[unchecked: i].isFinite { sum = 1 }
      return sum == 0
    }
  }
}
