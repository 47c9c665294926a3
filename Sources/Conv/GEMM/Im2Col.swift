import Tensors

/// The column matrix of a convolution: row (channel, tap), column output position.
///
///     C[(s, d), y] = X[s, y stride + d dilation - paddingBefore],   0 in the padding
///
/// A dense convolution of one group is then the product of the kernel, as a T x (S D...) matrix, with it.
///
/// **Source** Chellapilla et al. 2006; the name is Caffe's.
struct Im2Col {
  let geometry: ConvolutionGeometry
  /// Elements between neighbouring channels of the input.
  let channel: Int
  /// Elements between neighbouring positions of the input.
  let position: Int

  /// Writes the columns of `channels` input maps from `source` on, for some of the outputs along the first spatial axis.
  ///
  /// **Shapes** `target` [channels D..., outerRows W'...].
  ///
  /// **Complexity** one pass over `target`, no allocation.
  func columns<E: Scalar>(
    channels: Int, outerRows: Range<Int>, source: UnsafePointer<E>, target: UnsafeMutablePointer<E>
  ) {
    let taps = geometry.kernel.reduce(1, *)
    let positions = geometry.outputPositions / (geometry.outputExtents.first ?? 1) * outerRows.count
    for c in 0..<channels {
      let map = source + c * channel
      for tap in 0..<taps {
        row(
          axis: 0, outputs: outerRows, tap: tap, tapsBelow: taps, source: map,
          target: target + (c * taps + tap) * positions, positions: positions)
      }
    }
  }

  /// Writes what one tap sees, over the axes from `axis` on, of which this one's `outputs`: `positions` elements.
  private func row<E: Scalar>(
    axis: Int, outputs: Range<Int>, tap: Int, tapsBelow: Int, source: UnsafePointer<E>,
    target: UnsafeMutablePointer<E>, positions: Int
  ) {
    guard axis < geometry.order else {
      target.pointee = source.pointee
      return
    }
    let taps = tapsBelow / geometry.kernel[axis]
    let first = tap / taps * geometry.dilation[axis] - geometry.paddingBefore[axis]
    let (stride, extent) = (geometry.stride[axis], geometry.inputExtents[axis])
    // The outputs whose source lies inside the input; outside of them everything is padding.
    let inside =
      (max(0, (stride - 1 - first) / stride)..<max(0, (extent - 1 - first + stride) / stride)).clamped(
        to: outputs)
    let below = positions / outputs.count
    let sourceBelow = geometry.inputExtents[(axis + 1)...].reduce(position, *)
    guard !inside.isEmpty else {
      target.update(repeating: 0, count: positions)
      return
    }
    let before = inside.lowerBound - outputs.lowerBound
    target.update(repeating: 0, count: before * below)
    (target + (before + inside.count) * below).update(
      repeating: 0, count: (outputs.upperBound - inside.upperBound) * below)
    if axis == geometry.order - 1 {
      let (step, to) = (stride * position, target + before)
      let from = source + (inside.lowerBound * stride + first) * position
      if step == 1 {
        to.update(from: from, count: inside.count)
      } else {
        for i in 0..<inside.count { to[i] = from[i * step] }
      }
      return
    }
    for y in inside {
      row(
        axis: axis + 1, outputs: 0..<geometry.outputExtents[axis + 1], tap: tap % taps, tapsBelow: taps,
        source: source + (y * stride + first) * sourceBelow,
        target: target + (y - outputs.lowerBound) * below, positions: below)
    }
  }
}
