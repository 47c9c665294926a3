import Tensors

/// The windows of a pool over the maps of a batch, up to three axes.
struct PoolWindows {
  /// Three of them; missing ones in front have one element.
  let axes: [WindowAxis]
  let outputs: [Int]
  let maps: Int
  let input: Int
  let output: Int

  /// **Throws** where input and output do not belong to these windows.
  init(_ axes: [WindowAxis], _ x: Shape, _ y: Shape, _ node: NodeSettings) throws(GradientError) {
    guard axes.count <= 3, x.order == axes.count + 2, y.order == x.order else {
      throw node.failure("windows over \(axes.count) axes of an input of \(x)")
    }
    let missing = [Int](repeating: 1, count: 3 - axes.count)
    self.axes = missing.map { _ in .one } + axes
    outputs = missing + y.extents.dropFirst(2)
    maps = x[0] * x[1]
    input = x.extents.dropFirst(2).reduce(1, *)
    output = y.extents.dropFirst(2).reduce(1, *)
  }

  /// Goes over the windows of all maps: the output element, and the taps inside along each axis.
  @inline(__always)
  func forEach(_ body: (_ output: Int, _ map: Int, _ places: (Int, Int, Int)) -> Void) {
    for map in 0..<maps {
      var place = map * output
      for a in 0..<outputs[0] {
        for b in 0..<outputs[1] {
          for c in 0..<outputs[2] {
            body(place, map * input, (a, b, c))
            place += 1
          }
        }
      }
    }
  }

  /// Goes over the elements of a window that lie inside.
  @inline(__always)
  func forEachElement(_ map: Int, _ places: (Int, Int, Int), _ body: (Int) -> Void) {
    let (planes, lines, columns) = (
      axes[0].elements(places.0), axes[1].elements(places.1), axes[2].elements(places.2)
    )
    for z in planes {
      for y in lines {
        let start = map + (z * axes[1].input + y) * axes[2].input
        for x in columns { body(start + x) }
      }
    }
  }
}

extension WindowAxis {
  /// The input positions of a window that lie inside.
  @inline(__always)
  func elements(_ place: Int) -> StrideTo<Int> {
    let start = place * stride - before
    let skipped = start >= 0 ? 0 : (-start + dilation - 1) / dilation
    let first = start + skipped * dilation
    let end = min(input, start + kernel * dilation)
    return Swift.stride(from: first, to: max(first, end), by: dilation)
  }
}
