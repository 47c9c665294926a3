internal import CKernels
import Conv
import Tensors

/// The largest element or the mean of each window over channel-last maps, whose geometry is worked out once.
///
/// **Accuracy** maxima are exact; means are sums of blocks of 64, times the reciprocal of their number.
///
/// **Complexity** each element of the input is read once a window that it is in; a run allocates nothing beside the stack.
package struct PoolRun: Sendable {
  /// What is made of a window.
  package enum Fold: Hashable, Sendable {
    /// The largest element inside; minus infinity of a window all in the padding.
    case maximum
    /// The sum of those inside, divided by their number, or by that of padding too.
    case mean(countsPadding: Bool)
    /// The sum of those inside.
    case sum
  }

  /// The windows along one axis.
  package struct Axis: Sendable {
    let input: Int
    let output: Int
    let kernel: Int
    let stride: Int
    let dilation: Int
    let before: Int
    let after: Int

    /// The windows along an axis of `input` elements with `before` and `after` more of padding around them.
    package init(
      input: Int, output: Int, kernel: Int, stride: Int, dilation: Int, before: Int, after: Int
    ) {
      (self.input, self.output, self.kernel, self.stride) = (input, output, kernel, stride)
      (self.dilation, self.before, self.after) = (dilation, before, after)
    }

    static let one = Axis(input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0)

    /// The taps of a window that lie inside, by their number.
    func inside(_ place: Int) -> Range<Int> {
      let start = place * stride - before
      let first = start >= 0 ? 0 : min(kernel, (-start + dilation - 1) / dilation)
      let last = start >= input ? 0 : min(kernel, (input - start + dilation - 1) / dilation)
      return first..<max(first, last)
    }

    /// The taps of a window that lie inside or in the padding.
    func counted(_ place: Int) -> Int {
      let start = place * stride - before
      return min(kernel, max(0, (input + after - start + dilation - 1) / dilation))
    }
  }

  private let fold: Fold
  private let axes: [Axis]
  private let images: Int
  private let channels: Int
  private let input: [Int]
  private let output: [Int]
  private let reaches: (input: Int, output: Int)
  private let threads: Int
  private let variant: KernelVariant

  /// Pooling of maps `[N, C, extents...]` of one to three spatial axes, whose channels lie side by side.
  ///
  /// **Traps** where the extents are not the windows'.
  package init(
    _ fold: Fold, _ axes: [Axis], input: StridedShape, output: StridedShape, threads: Int = 1,
    variant: KernelVariant = .best
  ) {
    precondition(
      input.extents.count == axes.count + 2 && (1...3).contains(axes.count)
        && Array(input.extents.dropFirst(2)) == axes.map(\.input)
        && Array(output.extents.dropFirst(2)) == axes.map(\.output)
        && input.extents.prefix(2) == output.extents.prefix(2),
      "pooling of \(input.extents) to \(output.extents)")
    precondition(
      input.hasAdjacentChannels && output.hasAdjacentChannels, "pooling of maps that are not channel-last")
    self.fold = fold
    let missing = 3 - axes.count
    self.axes = [Axis](repeating: .one, count: missing) + axes
    (images, channels) = (input.extents[0], input.extents[1])
    self.input = [input.strides[0]] + [Int](repeating: 0, count: missing) + input.strides.dropFirst(2)
    self.output = [output.strides[0]] + [Int](repeating: 0, count: missing) + output.strides.dropFirst(2)
    reaches = (input.reach.from, output.reach.from)
    self.threads = output.extents.reduce(1, *) >= 1 << 14 ? threads : 1
    self.variant = variant
  }

  /// Pools.
  ///
  /// **Traps** where a slice is too short.
  package func run(input x: MemorySlice<Float>, output z: MemorySlice<Float>) {
    let rows = images * axes[0].output * axes[1].output
    guard rows > 0, axes[2].output > 0, channels > 0, let kernels = variant.lines else { return }
    precondition(x.count >= reaches.input && z.count >= reaches.output, "slices too short to be pooled")
    let window = fold == .maximum ? kernels.pointee.window_maximum : kernels.pointee.window_sum
    ParallelRun.share(rows, threads: threads) { part in
      let taps = axes.reduce(1) { $0 * min($1.kernel, $1.input) }
      withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: max(1, taps)) { pointers in
        for row in part { pool(row, x.base, z.base, pointers, window) }
      }
    }
  }

  private func pool(
    _ row: Int, _ x: UnsafeMutablePointer<Float>, _ z: UnsafeMutablePointer<Float>,
    _ pointers: UnsafeMutableBufferPointer<UnsafePointer<Float>?>,
    _ window: (@convention(c) (UnsafePointer<lowrank_window>?) -> Void)?
  ) {
    let (rest, line) = row.quotientAndRemainder(dividingBy: axes[1].output)
    let (image, plane) = rest.quotientAndRemainder(dividingBy: axes[0].output)
    let (planes, lines) = (axes[0].inside(plane), axes[1].inside(line))
    let outer = axes[0].counted(plane) * axes[1].counted(line)
    for place in 0..<axes[2].output {
      let target = z + image * output[0] + plane * output[1] + line * output[2] + place * output[3]
      let columns = axes[2].inside(place)
      var count = 0
      for i in planes {
        let depth =
          image * input[0] + (plane * axes[0].stride - axes[0].before + i * axes[0].dilation) * input[1]
        for j in lines {
          let height = depth + (line * axes[1].stride - axes[1].before + j * axes[1].dilation) * input[2]
          for k in columns {
            let column = place * axes[2].stride - axes[2].before + k * axes[2].dilation
            pointers[count] = UnsafePointer(x + height + column * input[3])
            count += 1
          }
        }
      }
      guard count > 0 else {
        target.update(repeating: fold == .maximum ? -.infinity : 0, count: channels)
        continue
      }
      var given = lowrank_window(
        x: pointers.baseAddress, z: target, taps: count, channels: channels,
        scale: scale(inside: count, counted: outer * axes[2].counted(place)))
      window?(&given)
    }
  }

  private func scale(inside: Int, counted: Int) -> Float {
    switch fold {
    case .maximum, .sum: 1
    case .mean(let countsPadding): 1 / Float(countsPadding ? counted : inside)
    }
  }
}

extension StridedShape {
  /// Whether a pixel's channels, the second axis, lie side by side; those of no pixels lie as one likes.
  fileprivate var hasAdjacentChannels: Bool { extents[1] == 1 || strides[1] == 1 || extents.contains(0) }
}
