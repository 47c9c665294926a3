import TensorCore

/// The column matrix of a convolution: row (channel, tap), column output position.
///
///     C[(s, d), y] = X[s, y stride + d dilation - paddingBefore],   0 in the padding
///
/// A dense convolution of one group is then the product of the kernel, as a T x (S D...) matrix, with it.
///
/// **Source** Chellapilla et al. 2006; the name is Caffe's.
struct Im2Col {
  let geometry: ConvolutionGeometry

  /// Writes the columns of `channels` input maps that lie one behind the other at `source`.
  ///
  /// **Shapes** `target` [channels D..., H'W'...].
  ///
  /// **Complexity** one pass over `target`, no allocation.
  func columns<E: Scalar>(channels: Int, source: UnsafePointer<E>, target: UnsafeMutablePointer<E>) {
    let taps = geometry.kernel.reduce(1, *)
    let positions = geometry.outputPositions
    for channel in 0..<channels {
      let map = source + channel * geometry.inputPositions
      for tap in 0..<taps {
        row(
          axis: 0, tap: tap, tapsBelow: taps, source: map,
          target: target + (channel * taps + tap) * positions,
          positions: positions)
      }
    }
  }

  /// Writes what one tap sees, over the axes from `axis` on: `positions` elements.
  private func row<E: Scalar>(
    axis: Int, tap: Int, tapsBelow: Int, source: UnsafePointer<E>, target: UnsafeMutablePointer<E>,
    positions: Int
  ) {
    guard axis < geometry.order else {
      target.pointee = source.pointee
      return
    }
    let taps = tapsBelow / geometry.kernel[axis]
    let first = tap / taps * geometry.dilation[axis] - geometry.paddingBefore[axis]
    let (stride, extent) = (geometry.stride[axis], geometry.inputExtents[axis])
    let outputs = geometry.outputExtents[axis]
    // The outputs whose source lies inside the input; outside of them everything is padding.
    let inside =
      min(
        outputs, max(0, (stride - 1 - first) / stride))..<min(
        outputs, max(0, (extent - 1 - first + stride) / stride))
    let below = positions / outputs
    let sourceBelow = geometry.inputExtents[(axis + 1)...].reduce(1, *)
    guard !inside.isEmpty else {
      target.update(repeating: 0, count: positions)
      return
    }
    target.update(repeating: 0, count: inside.lowerBound * below)
    (target + inside.upperBound * below).update(repeating: 0, count: (outputs - inside.upperBound) * below)
    if axis == geometry.order - 1 {
      let from = source + (inside.lowerBound * stride + first)
      let to = target + inside.lowerBound
      if stride == 1 {
        to.update(from: from, count: inside.count)
      } else {
        for i in 0..<inside.count { to[i] = from[i * stride] }
      }
      return
    }
    for y in inside {
      row(
        axis: axis + 1, tap: tap % taps, tapsBelow: taps, source: source + (y * stride + first) * sourceBelow,
        target: target + y * below, positions: below)
    }
  }
}
