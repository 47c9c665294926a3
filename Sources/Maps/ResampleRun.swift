internal import CKernels
import Conv
import Tensors

/// Resampling along one or two axes, worked out once and run many times.
///
///     z[.., i, j, ..] = sum over k, l of  a[i, k] b[j, l] x[.., rows[i, k], columns[j, l], ..]
///
/// Rows are combined first, into a line that stays in the cache. With one tap of weight 1 elements are copied as they are.
///
/// **Complexity** a run allocates nothing with one thread; threads share the lines, so that results do not depend on them.
package struct ResampleRun: Sendable {
  /// The taps of each position of an output axis.
  package struct Taps: Sendable, Hashable {
    /// The taps of a position.
    package let terms: Int
    /// Where each tap reads, by position.
    package let indices: [Int32]
    /// What it is multiplied by.
    package let weights: [Float]

    /// **Traps** where there are not as many weights as indices, or one of them is negative.
    package init(terms: Int, indices: [Int32], weights: [Float]) {
      precondition(
        terms > 0 && indices.count == weights.count && indices.count % terms == 0
          && indices.allSatisfy { $0 >= 0 }, "\(indices.count) taps, \(weights.count) weights, \(terms) each")
      (self.terms, self.indices, self.weights) = (terms, indices, weights)
    }

    /// The number of output positions.
    var count: Int { indices.count / terms }

    static let identity = Taps(terms: 1, indices: [0], weights: [1])
  }

  /// An axis in both tensors.
  private struct Axis: Sendable {
    var extent: Int
    var input: Int
    var output: Int
  }

  private let rows: Taps
  private let columns: Taps
  private let row: Axis
  private let column: Axis
  private let inputColumns: Int
  private let outer: [Axis]
  private let channels: Int
  private let scale: Int
  private let starts: (input: Int, output: Int)
  private let spans: (input: Int, output: Int)
  private let parts: Int

  private let variant: KernelVariant

  /// The elements from which threads pay.
  private static var fewestForThreads: Int { 1 << 15 }

  /// Resampling of `input` to `output` along the axes that have taps; `size` is that of an element in floats, which is 2
  /// for integers, and they are copied alone.
  ///
  /// **Traps** where extents do not fit, a tap reads outside, or there are no taps, or those of more than two axes.
  package init(
    _ taps: [Int: Taps], input: StridedShape, output: StridedShape, size: Int = 1, threads: Int = 1,
    variant: KernelVariant = .best
  ) {
    precondition((1...2).contains(taps.count), "resampling along \(taps.count) axes")
    precondition(
      size == 1 || taps.values.allSatisfy { $0.terms == 1 }, "integers can only be copied")
    for axis in input.extents.indices {
      let fits =
        taps[axis].map { taps in
          taps.count == output.extents[axis] && taps.indices.allSatisfy { $0 < input.extents[axis] }
        } ?? (input.extents[axis] == output.extents[axis])
      precondition(fits, "resampling of \(input.extents) to \(output.extents)")
    }
    func axis(_ i: Int) -> Axis {
      Axis(extent: output.extents[i], input: input.strides[i] * size, output: output.strides[i] * size)
    }
    // An axis whose elements lie side by side has no channels: it is that of the columns.
    var chosen = taps.keys.sorted { (abs(input.strides[$0]), $1) > (abs(input.strides[$1]), $0) }
    let lone = chosen.count == 1 && abs(input.strides[chosen[0]]) == 1
    let last = chosen.count == 2 || lone ? chosen.removeLast() : nil
    (rows, columns) = (chosen.first.flatMap { taps[$0] } ?? .identity, last.flatMap { taps[$0] } ?? .identity)
    let nothing = Axis(extent: 1, input: 0, output: 0)
    (row, column) = (chosen.first.map(axis) ?? nothing, last.map(axis) ?? nothing)
    inputColumns = last.map { input.extents[$0] } ?? 1
    var others = input.extents.indices.filter { taps[$0] == nil && input.extents[$0] != 1 }.map(axis)
    var channels = size
    while let next = others.firstIndex(where: { $0.input == channels && $0.output == channels }) {
      channels *= others.remove(at: next).extent
    }
    (self.channels, outer, scale) = (channels, others, size)
    let (reach, target) = (input.reach, output.reach)
    starts = (reach.before * size, target.before * size)
    spans = ((reach.before + reach.from) * size, (target.before + target.from) * size)
    let lines = others.reduce(row.extent) { $0 * $1.extent }
    parts = output.extents.reduce(1, *) >= Self.fewestForThreads ? max(1, min(threads, lines)) : 1
    self.variant = variant
  }

  private var lineCount: Int { outer.reduce(row.extent) { $0 * $1.extent } }
  /// The floats of a line of combined rows.
  private var lineLength: Int { inputColumns * channels }

  /// The bytes of the workspace.
  package var workspaceByteCount: Int { rows.terms == 1 ? 64 : parts * lineLength * 4 }

  /// Resamples.
  ///
  /// **Traps** where a slice is too short.
  package func run(input x: MemorySlice<UInt8>, output z: MemorySlice<UInt8>, workspace: MemorySlice<UInt8>) {
    guard lineCount > 0, column.extent > 0, channels > 0, let kernels = variant.lines else { return }
    precondition(
      x.count >= spans.input * 4 && z.count >= spans.output * 4 && workspace.count >= workspaceByteCount,
      "slices too short to be resampled")
    let (x, z) = (x.bound(to: Float.self).base + starts.input, z.bound(to: Float.self).base + starts.output)
    let lines = workspace.bound(to: Float.self).base
    ParallelRun.share(parts, threads: parts) { shares in
      for share in shares {
        withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: rows.terms) { pointers in
          for line in share * lineCount / parts..<(share + 1) * lineCount / parts {
            resample(line, x, z, lines + share * lineLength, pointers, kernels)
          }
        }
      }
    }
  }

  private func resample(
    _ line: Int, _ x: UnsafeMutablePointer<Float>, _ z: UnsafeMutablePointer<Float>,
    _ combined: UnsafeMutablePointer<Float>, _ pointers: UnsafeMutableBufferPointer<UnsafePointer<Float>?>,
    _ kernels: UnsafePointer<lowrank_line_kernels>
  ) {
    var (rest, position) = line.quotientAndRemainder(dividingBy: row.extent)
    var (source, target) = (x, z + position * row.output)
    for axis in outer.reversed() {
      let (others, index) = rest.quotientAndRemainder(dividingBy: axis.extent)
      source += index * axis.input
      target += index * axis.output
      rest = others
    }
    position *= rows.terms
    columns.indices.withUnsafeBufferPointer { indices in
      columns.weights.withUnsafeBufferPointer { weights in
        var step = column.input
        if rows.terms == 1 {
          source += Int(rows.indices[position]) * row.input
        } else {
          combine(position, source, combined, pointers, kernels)
          (source, step) = (combined, channels)
        }
        var given = lowrank_resampling(
          x: source, z: target, x_step: step, z_step: column.output, positions: column.extent,
          channels: channels, terms: columns.terms, index: indices.baseAddress, weights: weights.baseAddress)
        kernels.pointee.resample(&given)
      }
    }
  }

  /// Writes a line out of rows, its pixels side by side.
  private func combine(
    _ first: Int, _ source: UnsafeMutablePointer<Float>, _ combined: UnsafeMutablePointer<Float>,
    _ pointers: UnsafeMutableBufferPointer<UnsafePointer<Float>?>,
    _ kernels: UnsafePointer<lowrank_line_kernels>
  ) {
    // Pixels that lie side by side are combined at once.
    let isDense = inputColumns == 1 || column.input == channels
    let (pixels, count) = isDense ? (1, lineLength) : (inputColumns, channels)
    rows.weights.withUnsafeBufferPointer { weights in
      for pixel in 0..<pixels {
        for term in 0..<rows.terms {
          pointers[term] = UnsafePointer(
            source + Int(rows.indices[first + term]) * row.input + pixel * column.input)
        }
        kernels.pointee.combine(
          pointers.baseAddress, weights.baseAddress.map { $0 + first }, rows.terms,
          combined + pixel * channels, count)
      }
    }
  }
}
