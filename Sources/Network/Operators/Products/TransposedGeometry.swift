import ModelGraph
import Tensors

/// How a transposed convolution lies over an input: padding, and the extents of the output.
struct TransposedGeometry: Sendable {
  let window: WindowGeometry
  private let extra: [Int]
  private let shape: [Int]?

  init(_ node: NodeReader, kernel: [Int]) throws(NetworkError) {
    window = try WindowGeometry(node, kernel: kernel)
    extra = try node.ints("output_padding") ?? [Int](repeating: 0, count: kernel.count)
    // Some producers give the whole shape.
    shape = try node.ints("output_shape").map { $0.count == kernel.count + 2 ? Array($0.dropFirst(2)) : $0 }
    let bound = 1 << 31
    guard extra.count == kernel.count, extra.allSatisfy({ $0 >= 0 && $0 < bound }),
      shape == nil || shape?.count == kernel.count, shape?.allSatisfy({ $0 > 0 && $0 < bound }) ?? true
    else {
      throw node.failure("an 'output_padding' of \(extra), an 'output_shape' of \(shape ?? [])")
    }
  }

  /// What is cut off in front of each axis, and the extents of the output; nil where nothing is left.
  func placed(on extents: [Int]) -> (before: [Int], output: [Int])? {
    var (before, output) = ([Int](), [Int]())
    for (axis, extent) in extents.enumerated() {
      let step = window.stride[axis]
      let whole =
        CheckedInteger(extent - 1) * CheckedInteger(step) + CheckedInteger(extra[axis])
        + CheckedInteger(window.covered(axis))
      guard let whole = whole.value, let scaled = (CheckedInteger(extent) * CheckedInteger(step)).value,
        extent > 0
      else { return nil }
      let isSame = window.padding == .sameUpper || window.padding == .sameLower
      if isSame || shape != nil {
        let wanted = shape?[axis] ?? scaled
        let total = max(0, whole - wanted)
        before.append(window.padding == .sameUpper ? total / 2 : total - total / 2)
        output.append(wanted)
      } else {
        let (first, last) =
          window.padding == .valid ? (0, 0) : (window.pads[axis], window.pads[extents.count + axis])
        before.append(first)
        output.append(whole - first - last)
      }
    }
    return output.allSatisfy { $0 > 0 } ? (before, output) : nil
  }
}
