import Tensors

/// A convolution along two axes between channel-last maps.
struct RowStage: Sendable {
  /// The algorithm of a stage.
  enum Algorithm: Hashable, Sendable {
    /// Shifted GEMMs on padded rows: each tap of the kernel is a view of the map.
    case direct
    case depthwise
    case winograd(WinogradForm)

  }

  let plane: PlaneGeometry
  let algorithm: Algorithm

  init(_ plane: PlaneGeometry, _ algorithm: Algorithm) {
    self.plane = plane
    self.algorithm = algorithm
  }

  var inputs: Int { plane.inputChannels }
  var outputs: Int { plane.outputChannels }
  var kernel: (height: Int, width: Int) { plane.kernel }
  var stride: (height: Int, width: Int) { plane.stride }
  var dilation: (height: Int, width: Int) { plane.dilation }
  var padding: (top: Int, left: Int) { plane.padding }
  var outputWidth: Int { plane.outputWidth }

  /// Winograd's tiles for `rows` output rows.
  func grid(_ form: WinogradForm, rows: Int) -> TileGrid {
    form.grid(rows: rows, columns: outputWidth, dilation: dilation)
  }

  /// The outputs along each axis that belong together: one, or those of a block of tiles.
  private var block: (height: Int, width: Int) {
    if case .winograd(let form) = algorithm { grid(form, rows: 1).block } else { (1, 1) }
  }

  /// The output rows that belong together.
  var rowsTogether: Int { block.height }

  /// Whether the depthwise kernel for squares applies: 3 x 3 or 5 x 5, stride 1 or 2.
  var isSquare: Bool {
    algorithm == .depthwise && kernel.height == kernel.width && (kernel.width == 3 || kernel.width == 5)
      && stride.height == stride.width && stride.width <= 2 && dilation == (1, 1)
  }

  /// The input rows, of those that there are, that output rows read.
  func inputRows(for rows: Range<Int>) -> Range<Int> {
    plane.rowsRead(by: rows).clamped(to: 0..<plane.inputHeight)
  }

  /// The input rows that a ring holds for a reader of `rows` output rows at a time.
  func capacity(forRows rows: Int) -> Int { plane.rowsRead(by: 0..<rows).count }

  /// The most pointers that computing `rows` output rows takes at once: to taps or rows of the input, and to rows of the
  /// output.
  func pointers(rows: Int) -> (sources: Int, targets: Int) {
    switch algorithm {
    case .direct: (rows * kernel.height * kernel.width, rows)
    case .depthwise: isSquare ? (capacity(forRows: rows), rows) : (kernel.height * kernel.width, 0)
    case .winograd(let form): (form.sides.height, form.tiles.height)
    }
  }

  /// The columns that the stage reads of a map, padding and the overhang of the last tile included.
  var inputColumns: Int {
    (outputColumns - 1) * stride.width + (kernel.width - 1) * dilation.width + 1
  }

  /// The columns that the stage writes of a map, the overhang of the last tile included.
  var outputColumns: Int { roundUp(outputWidth, to: block.width) }

  /// The output rows from `rows` on whose taps lie in the input for the same rows of the kernel, and those rows.
  func evenRows(_ rows: Range<Int>) -> (rows: Range<Int>, taps: Range<Int>) {
    let taps = tapsInside(rows.lowerBound)
    var end = rows.lowerBound + 1
    while end < rows.upperBound, tapsInside(end) == taps { end += 1 }
    return (rows.lowerBound..<end, taps)
  }

  private func tapsInside(_ row: Int) -> Range<Int> {
    let (first, height) = (row * stride.height - padding.top, plane.inputHeight)
    let from = min(kernel.height, first >= 0 ? 0 : (-first + dilation.height - 1) / dilation.height)
    let to = first >= height ? from : min(kernel.height, (height - 1 - first) / dilation.height + 1)
    return from..<max(from, to)
  }
}
