import Tensors

/// How the windows of a convolution or a pool lie over the extents of an input.
struct WindowGeometry: Sendable, Hashable {
  /// How a node says its padding.
  enum Padding: String, CaseIterable, Sendable {
    case explicit = "NOTSET"
    case sameUpper = "SAME_UPPER"
    case sameLower = "SAME_LOWER"
    case valid = "VALID"
  }

  var kernel: [Int]
  let stride: [Int]
  let dilation: [Int]
  let padding: Padding
  /// Those of `explicit`, all the first sides before all the second ones; empty for none.
  let pads: [Int]
  /// Whether a window that only begins inside counts.
  let roundsUp: Bool

  /// Reads the settings that convolutions and pools have in common; `kernel` is that of the weights, where there are some.
  init(_ node: NodeReader, kernel weights: [Int]? = nil, roundsUp: Bool = false) throws(NetworkError) {
    let given = try node.ints("kernel_shape")
    guard let kernel = given ?? weights else { throw node.failure("the attribute 'kernel_shape' is missing") }
    if let weights, weights != kernel {
      throw node.failure("a 'kernel_shape' of \(kernel) for weights of \(weights)")
    }
    self.kernel = kernel
    let axes = kernel.count
    stride = try node.ints("strides") ?? [Int](repeating: 1, count: axes)
    dilation = try node.ints("dilations") ?? [Int](repeating: 1, count: axes)
    padding = try node.choice("auto_pad", default: .explicit)
    pads = try node.ints("pads") ?? [Int](repeating: 0, count: 2 * axes)
    self.roundsUp = roundsUp
    let bound = 1 << 31
    guard axes >= 1, stride.count == axes, dilation.count == axes, pads.count == 2 * axes,
      (kernel + stride + dilation).allSatisfy({ $0 >= 1 && $0 < bound }),
      pads.allSatisfy({ $0 > -bound && $0 < bound })
    else {
      throw node.failure(
        "kernel \(kernel), strides \(stride), dilations \(dilation), pads \(pads) are not as many as there are axes, or out"
          + " of range")
    }
  }

  /// What a window covers along an axis.
  func covered(_ axis: Int) -> Int { (kernel[axis] - 1) * dilation[axis] + 1 }

  /// The padding in front of and behind an input, and the extents of the output; nil where a window is larger than the
  /// padded input.
  ///
  /// Rounded up, the last window must begin inside the input or the padding in front of it.
  func placed(on extents: [Int]) -> (before: [Int], after: [Int], output: [Int])? {
    guard extents.count == kernel.count else { return nil }
    var (before, after, output) = ([Int](), [Int](), [Int]())
    for (axis, extent) in extents.enumerated() {
      let (step, covered) = (stride[axis], covered(axis))
      switch padding {
      case .explicit, .valid:
        let first = padding == .valid ? 0 : pads[axis]
        let last = padding == .valid ? 0 : pads[kernel.count + axis]
        let room = extent + first + last - covered
        guard room >= 0 else { return nil }
        var count = (roundsUp ? (room + step - 1) / step : room / step) + 1
        if roundsUp, (count - 1) * step >= extent + first { count -= 1 }
        before.append(first)
        after.append(last)
        output.append(count)
      case .sameUpper, .sameLower:
        let count = (extent + step - 1) / step
        let total = max(0, (count - 1) * step + covered - extent)
        let smaller = total / 2
        before.append(padding == .sameUpper ? smaller : total - smaller)
        after.append(padding == .sameUpper ? total - smaller : smaller)
        output.append(count)
      }
    }
    return (before, after, output)
  }
}
