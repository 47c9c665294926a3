internal import CKernels
import TensorCore

extension FusedRun {
  /// Shifted GEMMs: every tap of the kernel is a view of the padded rows. Rows of taps in the padding are left out.
  func direct(stage index: Int, _ rows: Range<Int>) {
    let (stage, own) = (plan.stages[index], plan.memories[index])
    let (source, target) = (plan.maps[index], plan.maps[index + 1])
    let (sources, targets) = (memory[own.sources], memory[own.targets])
    var product = lowrank_rows()
    product.a = UnsafePointer(sources)
    product.c = UnsafePointer(targets)
    product.b = own.weights.base
    product.pixels = stage.outputWidth
    product.depth = stage.inputs
    product.a_pixel = stage.stride.width * source.pitch
    product.c_pixel = target.pitch
    product.b_depth = stage.kernel.height * stage.kernel.width * stage.inputs
    product.vectors = (stage.outputs + plan.kernels.width - 1) / plan.kernels.width
    product.panel = own.panel
    var start = rows.lowerBound
    while start < rows.upperBound {
      let (even, taps) = stage.evenRows(start..<rows.upperBound, height: source.height)
      var next = 0
      for y in even {
        targets[y - start] = slot(y, of: index + 1) + target.before * target.pitch
        next = putTaps(of: stage, index, y, taps, at: sources, from: next)
      }
      product.rows = even.count
      product.taps = taps.count * stage.kernel.width
      product.b_first = taps.lowerBound * stage.kernel.width * stage.inputs
      plan.kernels.rows(&product)
      start = even.upperBound
    }
  }

  /// Each channel by itself.
  func depthwise(stage index: Int, _ rows: Range<Int>) {
    let (stage, own) = (plan.stages[index], plan.memories[index])
    let (source, target) = (plan.maps[index], plan.maps[index + 1])
    if stage.isSquare { return depthwiseSquare(stage: index, rows) }
    let sources = memory[own.sources]
    var product = lowrank_depthwise()
    product.a = UnsafePointer(sources)
    product.pixels = stage.outputWidth
    product.a_pixel = stage.stride.width * source.pitch
    product.c_pixel = target.pitch
    product.vectors = (stage.outputs + plan.kernels.width - 1) / plan.kernels.width
    let weightRow = stage.kernel.width * product.vectors * plan.kernels.width
    for y in rows {
      let taps = stage.evenRows(y..<(y + 1), height: source.height).taps
      product.taps = putTaps(of: stage, index, y, taps, at: sources, from: 0)
      product.w = own.weights.base + taps.lowerBound * weightRow
      product.c = slot(y, of: index + 1) + target.before * target.pitch
      plan.kernels.depthwise(&product)
    }
  }

  /// Each channel by itself, several rows at once.
  private func depthwiseSquare(stage index: Int, _ rows: Range<Int>) {
    let (stage, own) = (plan.stages[index], plan.memories[index])
    let (source, target) = (plan.maps[index], plan.maps[index + 1])
    let (sources, targets) = (memory[own.sources], memory[own.targets])
    let first = rows.lowerBound * stage.stride.height - stage.padding.top
    for i in 0..<stage.inputRows(for: rows.count) {
      sources[i] = UnsafePointer(
        row(first + i, of: index) + (source.before - stage.padding.left) * source.pitch)
    }
    for (i, y) in rows.enumerated() {
      targets[i] = slot(y, of: index + 1) + target.before * target.pitch
    }
    var product = lowrank_depthwise_square()
    product.a = UnsafePointer(sources)
    product.c = UnsafePointer(targets)
    product.w = own.weights.base
    product.rows = rows.count
    product.pixels = stage.outputWidth
    (product.side, product.stride) = (stage.kernel.width, stage.stride.width)
    (product.a_pixel, product.c_pixel) = (source.pitch, target.pitch)
    product.vectors = (stage.outputs + plan.kernels.width - 1) / plan.kernels.width
    plan.kernels.depthwise_square(&product)
  }

  /// Writes pointers to the taps of an output row, `taps` of the kernel's rows, and returns the place behind them.
  private func putTaps(
    of stage: RowStage, _ index: Int, _ y: Int, _ taps: Range<Int>,
    at sources: UnsafeMutablePointer<UnsafePointer<Float>?>, from start: Int
  ) -> Int {
    let map = plan.maps[index]
    var next = start
    for i in taps {
      let line =
        row(y * stage.stride.height - stage.padding.top + i * stage.dilation.height, of: index)
        + (map.before - stage.padding.left) * map.pitch
      for j in 0..<stage.kernel.width {
        sources[next] = UnsafePointer(line + j * stage.dilation.width * map.pitch)
        next += 1
      }
    }
    return next
  }

  /// Winograd: a few rows of tiles at once are transformed, multiplied point by point, and transformed back.
  func winograd(stage index: Int, _ rows: Range<Int>, tile: Int) {
    let own = plan.memories[index]
    let step = own.tileRows * tile
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: step) {
      winogradTiles(stage: index, start..<min(start + step, rows.upperBound), tile: tile)
    }
  }

  private func winogradTiles(stage index: Int, _ rows: Range<Int>, tile: Int) {
    let (stage, own) = (plan.stages[index], plan.memories[index])
    let (source, target) = (plan.maps[index], plan.maps[index + 1])
    let tiles = (stage.outputWidth + tile - 1) / tile
    let tileRows = (rows.count + tile - 1) / tile
    let points = (tile + 2) * (tile + 2)
    let width = plan.kernels.width
    let (v, m) = (memory[own.transformed], memory[own.products])
    let (sources, targets) = (memory[own.sources], memory[own.targets])
    // One line apart from a multiple of the page, so that the points do not fight over the same sets of the cache.
    let (vPoint, mPoint) = (
      own.tileRows * tiles * source.pitch + 16, own.tileRows * tiles * target.pitch + 16
    )
    var input = lowrank_winograd_input()
    input.rows = UnsafePointer(sources)
    input.tiles = tiles
    input.vectors = (stage.inputs + width - 1) / width
    (input.pixel, input.v_tile, input.v_point) = (source.pitch, source.pitch, vPoint)
    for tileRow in 0..<tileRows {
      let top = rows.lowerBound + tileRow * tile - stage.padding.top
      for i in 0..<(tile + 2) {
        sources[i] = UnsafePointer(
          row(top + i, of: index) + (source.before - stage.padding.left) * source.pitch)
      }
      input.v = v + tileRow * tiles * source.pitch
      if tile == 2 { plan.kernels.winograd2_input(&input) } else { plan.kernels.winograd4_input(&input) }
    }
    var product = lowrank_rows()
    product.a = UnsafePointer(sources)
    product.c = UnsafePointer(targets)
    product.rows = 1
    product.pixels = tileRows * tiles
    product.taps = 1
    product.depth = stage.inputs
    (product.a_pixel, product.c_pixel, product.b_depth) = (source.pitch, target.pitch, stage.inputs)
    product.vectors = (stage.outputs + width - 1) / width
    product.panel = own.panel
    for point in 0..<points {
      sources[0] = UnsafePointer(v + point * vPoint)
      targets[0] = m + point * mPoint
      product.b = own.weights.base + point * product.vectors * width * stage.inputs
      plan.kernels.rows(&product)
    }
    var output = lowrank_winograd_output()
    output.rows = UnsafePointer(targets)
    output.tiles = tiles
    output.vectors = product.vectors
    (output.pixel, output.m_tile, output.m_point) = (target.pitch, target.pitch, mPoint)
    for tileRow in 0..<tileRows {
      for i in 0..<tile {
        let y = rows.lowerBound + tileRow * tile + i
        targets[i] =
          y < rows.upperBound
          ? slot(y, of: index + 1) + target.before * target.pitch : memory[own.overhang]
      }
      output.m = UnsafePointer(m + tileRow * tiles * target.pitch)
      if tile == 2 { plan.kernels.winograd2_output(&output) } else { plan.kernels.winograd4_output(&output) }
    }
  }
}
