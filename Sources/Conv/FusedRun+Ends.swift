internal import CKernels
import TensorCore

extension FusedRun {
  /// Computes rows of the first map from the input.
  func enter(_ rows: Range<Int>, image: Int) {
    let (entry, map, width) = (plan.entry, plan.maps[0], plan.first.inputWidth)
    let positions = plan.first.inputHeight * width
    let source = input + image * plan.first.inputChannels * positions
    guard let columns = entry.columns else {
      for y in rows {
        plan.kernels.to_rows(
          source + y * width, positions, width, map.channels, slot(y, of: 0) + map.before * map.pitch,
          map.pitch)
      }
      return
    }
    // Whole rows where several fit in a chunk, else parts of one.
    let rowsTogether = max(1, entry.chunk / width)
    let parts = (width + entry.chunk - 1) / entry.chunk
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: rowsTogether) {
      let count = min(rowsTogether, rows.upperBound - start)
      for part in 0..<parts {
        let from = part * width / parts
        let pixels = (part + 1) * width / parts - from
        enter(
          columns.base, source + start * width + from, positions, rows: start..<(start + count), from: from,
          pixels: pixels)
      }
    }
  }

  /// One chunk through the 1x1 stage: packed first, so that its channels lie together.
  private func enter(
    _ columns: UnsafePointer<Float>, _ source: UnsafePointer<Float>, _ positions: Int, rows: Range<Int>,
    from: Int,
    pixels: Int
  ) {
    let (entry, map, depth) = (plan.entry, plan.maps[0], plan.first.inputChannels)
    let (pack, sources, targets) = (memory[entry.pack], memory[entry.sources], memory[entry.targets])
    let packRow = roundUp(rows.count * pixels, to: 16)
    // The next chunk is asked for while this one is computed.
    plan.kernels.copy_maps(source, positions, rows.count * pixels, depth, rows.count * pixels, pack, packRow)
    for (i, y) in rows.enumerated() {
      sources[i] = UnsafePointer(pack + i * pixels)
      targets[i] = slot(y, of: 0) + (map.before + from) * map.pitch
    }
    var product = lowrank_rows()
    product.a = UnsafePointer(sources)
    product.c = UnsafePointer(targets)
    product.b = columns
    product.rows = rows.count
    product.pixels = pixels
    product.taps = 1
    product.depth = depth
    product.a_depth = packRow
    product.c_pixel = map.pitch
    product.b_depth = depth
    product.vectors = (map.channels + plan.kernels.width - 1) / plan.kernels.width
    product.panel = entry.panel
    plan.kernels.rows_packed(&product)
  }

  /// Writes a band of the output from the last map.
  func leave(_ band: Range<Int>, image: Int) {
    let (exit, width) = (plan.exit, plan.last.outputWidth)
    let positions = plan.last.outputHeight * width
    let target = output + image * plan.last.outputChannels * positions + band.lowerBound * width
    var product = lowrank_maps()
    product.z = target
    product.bias = exit.bias?.base
    product.outputs = plan.last.outputChannels
    product.pixels = band.count * width
    product.z_row = positions
    (product.low, product.high) = (-.infinity, .infinity)
    let maps = memory[exit.maps]
    switch exit.form {
    case .layout:
      toMaps(band, target: target, targetRow: positions)
      if exit.bias != nil { plan.kernels.finish(&product) }
    case .strips(let strips):
      if plan.maps.isEmpty {
        let source = input + image * exit.depth * positions + band.lowerBound * width
        plan.kernels.copy_maps(
          source, positions, product.pixels, exit.depth, product.pixels, maps, exit.mapsRow)
      } else {
        toMaps(band, target: maps, targetRow: exit.mapsRow)
      }
      product.x = UnsafePointer(maps)
      product.w = strips.base
      product.depth = exit.depth
      product.x_row = exit.mapsRow
      plan.kernels.maps(&product)
    case .columns(let columns, let panel, let chunk):
      leave(band, columns.base, panel: panel, chunk: chunk, &product)
    }
  }

  /// The last 1x1 stage on channel-last rows, some columns at once.
  private func leave(
    _ band: Range<Int>, _ columns: UnsafePointer<Float>, panel: Int, chunk: Int, _ finish: inout lowrank_maps
  ) {
    let (exit, index, lanes) = (plan.exit, plan.maps.count - 1, plan.kernels.width)
    let map = plan.maps[index]
    let maps = memory[exit.maps]
    var source: UnsafePointer<Float>? = UnsafePointer(
      row(band.lowerBound, of: index) + map.before * map.pitch)
    var target: UnsafeMutablePointer<Float>? = maps
    var product = lowrank_rows()
    product.rows = 1
    product.pixels = finish.pixels
    product.taps = 1
    (product.depth, product.b_depth) = (exit.depth, exit.depth)
    (product.a_pixel, product.c_pixel) = (map.pitch, exit.mapsRow)
    product.panel = panel
    guard let z = finish.z else { return }
    let (outputs, bias) = (finish.outputs, finish.bias)
    for first in stride(from: 0, to: (outputs + lanes - 1) / lanes, by: chunk) {
      let channels = min(chunk * lanes, outputs - first * lanes)
      product.vectors = (channels + lanes - 1) / lanes
      product.b = columns + first * lanes * exit.depth
      withUnsafePointer(to: &source) { source in
        withUnsafePointer(to: &target) { target in
          product.a = source
          product.c = target
          plan.kernels.rows(&product)
        }
      }
      let target = z + first * lanes * finish.z_row
      plan.kernels.to_maps(maps, exit.mapsRow, finish.pixels, channels, target, finish.z_row)
      guard let bias else { continue }
      finish.z = target
      finish.bias = bias + first * lanes
      finish.outputs = channels
      plan.kernels.finish(&finish)
    }
  }

  /// Turns rows of the last map channel-first.
  private func toMaps(_ band: Range<Int>, target: UnsafeMutablePointer<Float>, targetRow: Int) {
    let (index, width) = (plan.maps.count - 1, plan.last.outputWidth)
    let map = plan.maps[index]
    let first = row(band.lowerBound, of: index) + map.before * map.pitch
    // The last map's ring is one band high, so the rows of a band follow one another in memory.
    if map.columns == width {
      plan.kernels.to_maps(first, map.pitch, band.count * width, map.channels, target, targetRow)
      return
    }
    for i in 0..<band.count {
      plan.kernels.to_maps(
        first + i * map.rowCount, map.pitch, width, map.channels, target + i * width, targetRow)
    }
  }
}
