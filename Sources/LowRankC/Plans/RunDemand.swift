internal import CLowRank
internal import Conv

/// What a plan's stages take together, to be held against what `Int` and BLAS's integers can count.
struct RunDemand {
  private var products = 0.0
  private var mapElements = 0.0
  private var columnElements = 0.0

  /// Adds the stages of a convolution, and throws where all together would not fit.
  ///
  /// Call it before `ConvolutionGeometry.stages(_:)` or `Convolution.reshaped`, which trap on them; `channels` are those of
  /// the input, the output and the maps between, `taps` the elements of the largest spatial kernel.
  mutating func add(_ geometry: ConvolutionGeometry, channels: [Int], taps: Int) throws(Failure) {
    var padded = 1.0
    var positions = 1.0
    for axis in 0..<geometry.order {
      let (input, output) = (geometry.inputExtents[axis], geometry.outputExtents[axis])
      let extent = max(
        input + geometry.paddingBefore[axis] + geometry.paddingAfter[axis], output)
      let limit = axis == 0 && geometry.order == 2 ? Limits.rows : Limits.paddedExtent
      guard extent <= limit else {
        throw Failure(
          LOWRANK_TOO_LARGE, "axis \(axis) has \(extent) positions with its padding, over \(limit)")
      }
      padded *= Double(extent)
      positions *= Double(max(input, output))
    }
    let widest = Double(channels.max() ?? 1)
    products += widest * widest * Double(taps) * positions * Double(geometry.batch)
    mapElements += (widest + 16) * padded
    columnElements += widest * Double(taps) * positions
    guard positions <= Double(Int32.max), products < 0x1p62, mapElements <= Double(Limits.map),
      columnElements <= Double(Limits.map)
    else {
      throw Failure(
        LOWRANK_TOO_LARGE,
        "a convolution of \(geometry.inputShape) by \(geometry.kernelShape) over \(channels) channels is too large to count"
      )
    }
  }
}
