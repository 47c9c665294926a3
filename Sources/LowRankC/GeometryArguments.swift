internal import CLowRank
internal import Conv
internal import Tensors

/// The geometry of a convolution with a kernel of `shape`, out of a structure of the header.
func convolutionGeometry(
  _ pointer: UnsafePointer<lowrank_geometry>?, kernel shape: Shape
) throws(Failure) -> ConvolutionGeometry {
  let given = try structure(pointer, "geometry")
  let axes = try number(given.axes, in: 0...Int(LOWRANK_MAX_AXES), "geometry->axes")
  guard axes == shape.order - 2 else {
    throw Failure(
      LOWRANK_BAD_GEOMETRY, "geometry->axes is \(axes), but a kernel of \(shape) has \(shape.order - 2)")
  }
  func values<Array>(_ array: Array, least: Int, _ name: String) throws(Failure) -> [Int] {
    var values: [Int] = []
    for value in read(array, count: axes) {
      values.append(try number(value, in: least...Limits.paddedExtent, "geometry->\(name)"))
    }
    return values
  }
  // Zeros ask for the defaults.
  let batch = max(1, try number(given.batch, in: 0...Limits.extent, "geometry->batch"))
  let groups = max(1, try number(given.groups, in: 0...Limits.extent, "geometry->groups"))
  let input = try values(given.input, least: 1, "input")
  let stride = try values(given.stride, least: 0, "stride").map { max(1, $0) }
  let dilation = try values(given.dilation, least: 0, "dilation").map { max(1, $0) }
  let before = try values(given.padding_before, least: 0, "padding_before")
  let after = try values(given.padding_after, least: 0, "padding_after")
  do throws(ConvError) {
    return try ConvolutionGeometry(
      batch: batch, kernelShape: shape, inputExtents: input, stride: stride, dilation: dilation,
      paddingBefore: before, paddingAfter: after, groups: groups)
  } catch {
    throw Failure(error)
  }
}

extension Limits {
  /// Throws where a plan for these stages would not fit into `Int` or BLAS's integers.
  ///
  /// Call it before `ConvolutionGeometry.stages(_:)`, which traps on them; `layers` are the channels of the input, the
  /// output and the maps between, `taps` the elements of the largest spatial kernel.
  static func requireRunnable(
    _ geometry: ConvolutionGeometry, channels: [Int], taps: Int
  ) throws(Failure) {
    var padded = 1.0
    var positions = 1.0
    for axis in 0..<geometry.order {
      let (input, output) = (geometry.inputExtents[axis], geometry.outputExtents[axis])
      let extent = max(
        input + geometry.paddingBefore[axis] + geometry.paddingAfter[axis], output)
      let limit = axis == 0 && geometry.order == 2 ? rows : paddedExtent
      guard extent <= limit else {
        throw Failure(
          LOWRANK_TOO_LARGE, "axis \(axis) has \(extent) positions with its padding, over \(limit)")
      }
      padded *= Double(extent)
      positions *= Double(max(input, output))
    }
    let widest = Double(channels.max() ?? 1)
    let weights = widest * widest * Double(taps)
    guard positions <= Double(Int32.max), weights * positions * Double(geometry.batch) < 0x1p62,
      (widest + 16) * padded <= Double(map), widest * Double(taps) * positions <= Double(map)
    else {
      throw Failure(
        LOWRANK_TOO_LARGE,
        "a convolution of \(geometry.inputShape) by \(geometry.kernelShape) over \(channels) channels is too large to count"
      )
    }
  }
}
