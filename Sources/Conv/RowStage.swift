import TensorCore

/// A convolution along two axes between channel-last maps.
struct RowStage: Sendable {
  /// The algorithm of a stage.
  enum Algorithm: Hashable, Sendable {
    /// Shifted GEMMs on padded rows: each tap of the kernel is a view of the map.
    case direct
    case depthwise
    case winograd(WinogradForm)

    /// The outputs that one step along an axis makes: 1, or the side of a Winograd tile.
    var tile: Int {
      if case .winograd(let form) = self { form.tile } else { 1 }
    }
  }

  let algorithm: Algorithm
  let inputs: Int
  let outputs: Int
  let kernel: (height: Int, width: Int)
  let stride: (height: Int, width: Int)
  let dilation: (height: Int, width: Int)
  let padding: (top: Int, left: Int)
  let outputHeight: Int
  let outputWidth: Int

  init(_ g: PlaneGeometry, _ algorithm: Algorithm) {
    self.algorithm = algorithm
    inputs = g.inputChannels
    outputs = g.outputChannels
    kernel = g.kernel
    stride = g.stride
    dilation = g.dilation
    padding = g.padding
    outputHeight = g.outputHeight
    outputWidth = g.outputWidth
  }

  /// The outputs that one step along an axis makes: 1, or the side of a Winograd tile.
  var tile: Int { algorithm.tile }

  /// Whether the depthwise kernel for squares applies: 3 x 3 or 5 x 5, stride 1 or 2.
  var isSquare: Bool {
    algorithm == .depthwise && kernel.height == kernel.width && (kernel.width == 3 || kernel.width == 5)
      && stride.height == stride.width && stride.width <= 2 && dilation == (1, 1)
  }

  /// The input rows that `rows` output rows read.
  func inputRows(for rows: Int) -> Int {
    (rows - 1) * stride.height + (kernel.height - 1) * dilation.height + 1
  }

  /// The first row behind those that output rows before `end` read, at most `height`.
  func inputEnd(for end: Int, height: Int) -> Int {
    min(height, max(0, (end - 1) * stride.height - padding.top + (kernel.height - 1) * dilation.height + 1))
  }

  /// The first row that output rows from `start` on read.
  func inputStart(for start: Int, height: Int) -> Int {
    min(height, max(0, start * stride.height - padding.top))
  }

  /// The columns that the stage reads of a map, padding and the overhang of the last tile included.
  var inputColumns: Int {
    (roundUp(outputWidth, to: tile) - 1) * stride.width + (kernel.width - 1) * dilation.width + 1
  }

  /// The columns that the stage writes of a map, the overhang of the last tile included.
  var outputColumns: Int { roundUp(outputWidth, to: tile) }

  /// The output rows from `rows` on whose taps lie in the input for the same rows of the kernel, and those rows.
  func evenRows(_ rows: Range<Int>, height: Int) -> (rows: Range<Int>, taps: Range<Int>) {
    let taps = tapsInside(rows.lowerBound, height: height)
    var end = rows.lowerBound + 1
    while end < rows.upperBound, tapsInside(end, height: height) == taps { end += 1 }
    return (rows.lowerBound..<end, taps)
  }

  private func tapsInside(_ row: Int, height: Int) -> Range<Int> {
    let first = row * stride.height - padding.top
    let from = min(kernel.height, first >= 0 ? 0 : (-first + dilation.height - 1) / dilation.height)
    let to = first >= height ? from : min(kernel.height, (height - 1 - first) / dilation.height + 1)
    return from..<max(from, to)
  }
}
