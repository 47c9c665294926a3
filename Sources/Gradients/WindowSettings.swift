import Tensors

/// How the windows of a convolution or a pool lie, as a node says it.
struct WindowSettings: Sendable {
  /// How a node says its padding.
  enum Padding: String, Sendable {
    case explicit = "NOTSET"
    case sameUpper = "SAME_UPPER"
    case sameLower = "SAME_LOWER"
    case valid = "VALID"
  }

  let kernel: [Int]?
  private let strides: [Int]?
  private let dilations: [Int]?
  private let pads: [Int]?
  let padding: Padding

  init(_ node: NodeSettings) throws(GradientError) {
    let name = node.node.string("auto_pad") ?? "NOTSET"
    guard let padding = Padding(rawValue: name) else { throw node.failure("a padding of '\(name)'") }
    self.padding = padding
    kernel = node.node.ints("kernel_shape")
    strides = node.node.ints("strides")
    dilations = node.node.ints("dilations")
    pads = node.node.ints("pads")
  }

  /// The windows along every spatial axis, for extents and a kernel that are known.
  ///
  /// **Throws** where a setting has not as many numbers as there are axes.
  func axes(_ extents: [Int], kernel: [Int], _ node: NodeSettings) throws(GradientError) -> [WindowAxis] {
    let count = extents.count
    let strides = strides ?? [Int](repeating: 1, count: count)
    let dilations = dilations ?? [Int](repeating: 1, count: count)
    let pads = pads ?? [Int](repeating: 0, count: 2 * count)
    guard kernel.count == count, strides.count == count, dilations.count == count, pads.count == 2 * count,
      (kernel + strides + dilations).allSatisfy({ $0 > 0 })
    else { throw node.failure("its windows have not as many axes as its input of \(extents)") }
    return extents.indices.map { axis in
      let covered = (kernel[axis] - 1) * dilations[axis] + 1
      var (before, after) = (pads[axis], pads[count + axis])
      switch padding {
      case .explicit: break
      case .valid: (before, after) = (0, 0)
      case .sameUpper, .sameLower:
        let output = (extents[axis] + strides[axis] - 1) / strides[axis]
        let total = max(0, (output - 1) * strides[axis] + covered - extents[axis])
        before = padding == .sameUpper ? total / 2 : total - total / 2
        after = total - before
      }
      return WindowAxis(
        input: extents[axis], kernel: kernel[axis], stride: strides[axis], dilation: dilations[axis],
        before: before, after: after)
    }
  }
}

/// The windows along one axis.
struct WindowAxis: Sendable, Hashable {
  let input: Int
  let kernel: Int
  let stride: Int
  let dilation: Int
  let before: Int
  let after: Int

  /// The windows of an axis that is none: one element, one tap.
  static let one = WindowAxis(input: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0)

  /// The outputs, where windows that only begin inside do not count.
  var outputs: Int { (input + before + after - (kernel - 1) * dilation - 1) / stride + 1 }

  /// The output positions, out of `outputs`, at which a tap reads inside the input.
  func inside(tap: Int, outputs: Int) -> Range<Int> {
    let shift = tap * dilation - before
    let first = shift >= 0 ? 0 : (-shift + stride - 1) / stride
    let last = input - shift <= 0 ? 0 : (input - shift + stride - 1) / stride
    let end = min(outputs, last)
    return min(first, end)..<end
  }

  /// The taps of a window that lie inside, or in the padding.
  func counted(_ place: Int) -> Int {
    let start = place * stride - before
    return min(kernel, max(0, (input + after - start + dilation - 1) / dilation))
  }
}
