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
  // Zeros ask for the defaults.
  let batch = max(1, try number(given.batch, in: 0...Limits.extent, "geometry->batch"))
  let groups = max(1, try number(given.groups, in: 0...Limits.extent, "geometry->groups"))
  let input = try spatialNumbers(given.input, axes, least: 1, "geometry->input")
  let window = try WindowNumbers(given, axes: axes, "geometry")
  do throws(ConvError) {
    return try ConvolutionGeometry(
      batch: batch, kernelShape: shape, inputExtents: input, stride: window.stride,
      dilation: window.dilation, paddingBefore: window.paddingBefore, paddingAfter: window.paddingAfter,
      groups: groups)
  } catch {
    throw Failure(error)
  }
}

/// A structure of the header that says where a kernel reads; all its arrays have `LOWRANK_MAX_AXES` numbers.
protocol WindowMembers {
  associatedtype Numbers
  var stride: Numbers { get }
  var dilation: Numbers { get }
  var padding_before: Numbers { get }
  var padding_after: Numbers { get }
}

extension lowrank_geometry: WindowMembers {}
extension lowrank_stage: WindowMembers {}

/// Where a kernel reads, one number for each spatial axis; zeros have become the defaults.
struct WindowNumbers {
  let stride: [Int]
  let dilation: [Int]
  let paddingBefore: [Int]
  let paddingAfter: [Int]

  init(_ given: some WindowMembers, axes: Int, _ name: String) throws(Failure) {
    stride = try spatialNumbers(given.stride, axes, least: 0, "\(name)->stride").map { max(1, $0) }
    dilation = try spatialNumbers(given.dilation, axes, least: 0, "\(name)->dilation").map { max(1, $0) }
    paddingBefore = try spatialNumbers(given.padding_before, axes, least: 0, "\(name)->padding_before")
    paddingAfter = try spatialNumbers(given.padding_after, axes, least: 0, "\(name)->padding_after")
  }
}

/// The first `axes` numbers of an array of a structure.
private func spatialNumbers<Numbers>(
  _ array: Numbers, _ axes: Int, least: Int, _ name: String
) throws(Failure) -> [Int] {
  try spatialNumbers(read(array, count: axes), least: least, name)
}

/// Extents, strides or paddings as they come from outside.
func spatialNumbers(_ values: [Int64], least: Int, _ name: String) throws(Failure) -> [Int] {
  var numbers: [Int] = []
  for value in values { numbers.append(try number(value, in: least...Limits.paddedExtent, name)) }
  return numbers
}
