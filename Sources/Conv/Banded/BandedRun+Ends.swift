internal import CKernels
import Tensors

extension BandedRun {
  /// Computes rows of the first map from the input.
  func enter(_ rows: Range<Int>, image: Int) {
    let (entry, map, first) = (plan.body.entry, plan.body.maps[0], plan.design.planes[0])
    let (width, positions) = (first.inputWidth, first.inputHeight * first.inputWidth)
    let source = input + image * first.inputChannels * positions
    guard let columns = entry.columns else {
      let channels = share(map.channels, group: 16)
      guard !channels.isEmpty else { return }
      for y in rows {
        plan.kernels.to_rows(
          source + channels.lowerBound * positions + y * width, positions, width, channels.count,
          slot(y, of: 0) + map.before * map.pitch + channels.lowerBound, map.pitch)
      }
      return
    }
    // Whole rows where several fit in a chunk, else pieces of one.
    let pieces = (width + entry.pixelsTogether - 1) / entry.pixelsTogether
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: entry.rowsTogether) {
      let chunk = start..<min(start + entry.rowsTogether, rows.upperBound)
      for piece in 0..<pieces {
        let pixels = piece * width / pieces..<(piece + 1) * width / pieces
        enter(columns.base, source + start * width + pixels.lowerBound, positions, rows: chunk, pixels)
      }
    }
  }

  /// One chunk through the 1x1 stage, read as it lies.
  private func enter(
    _ columns: UnsafePointer<Float>, _ source: UnsafePointer<Float>, _ positions: Int, rows: Range<Int>,
    _ pixels: Range<Int>
  ) {
    let (entry, map, depth) = (plan.body.entry, plan.body.maps[0], plan.design.planes[0].inputChannels)
    let width = plan.design.machine.width
    let vectors = share(plan.design.machine.vectors(map.channels), group: entry.panel)
    guard !vectors.isEmpty else { return }
    let (sources, targets) = (memory.sources(entry.sources, part), memory.targets(entry.targets, part))
    for (i, y) in rows.enumerated() {
      sources[i] = source + i * plan.design.planes[0].inputWidth
      targets[i] =
        slot(y, of: 0) + (map.before + pixels.lowerBound) * map.pitch + vectors.lowerBound * width
    }
    var product = lowrank_rows()
    product.a = UnsafePointer(sources)
    product.c = UnsafePointer(targets)
    product.b = columns + vectors.lowerBound * width * depth
    product.rows = rows.count
    product.pixels = pixels.count
    product.taps = 1
    product.depth = depth
    product.a_depth = positions
    product.c_pixel = map.pitch
    product.b_depth = depth
    product.vectors = vectors.count
    product.panel = entry.panel
    plan.kernels.rows_of_maps(&product)
  }

  /// Writes a band of the output from the last map.
  func leave(_ band: Range<Int>, image: Int) {
    var epilogue = lowrank_epilogue()
    epilogue.bias = plan.body.exit.bias?.base
    if plan.epilogue.isBounded {
      epilogue.activation = LOWRANK_ACTIVATION_CLIP
      (epilogue.alpha, epilogue.beta) = (plan.epilogue.low, plan.epilogue.high)
    }
    guard epilogue.bias != nil || plan.epilogue.isBounded else { return leave(band, image: image, nil) }
    withUnsafePointer(to: epilogue) { leave(band, image: image, $0) }
  }

  private func leave(_ band: Range<Int>, image: Int, _ epilogue: UnsafePointer<lowrank_epilogue>?) {
    let (exit, last) = (plan.body.exit, plan.design.last)
    let (width, positions) = (last.outputWidth, last.outputHeight * last.outputWidth)
    var product = lowrank_maps()
    let at = image * last.outputChannels * positions + band.lowerBound * width
    product.z = output + at
    product.residual = residual.map { $0 + at }
    product.outputs = last.outputChannels
    product.pixels = band.count * width
    product.z_row = positions
    product.epilogue = epilogue
    switch exit.form {
    case .layout: leave(band, product)
    case .columns(let columns, let panel, let chunk):
      leave(band, columns.base, panel: panel, chunk: chunk, product)
    case .strips(let strips):
      let maps = memory[exit.maps, part]
      if plan.body.maps.isEmpty {
        let source = input + image * exit.depth * positions + band.lowerBound * width
        plan.kernels.copy_maps(
          source, positions, product.pixels, exit.depth, product.pixels, maps, exit.mapsRow)
      } else {
        toMaps(band, channels: 0..<exit.depth, target: maps, targetRow: exit.mapsRow)
      }
      product.x = UnsafePointer(maps)
      product.w = strips.base
      product.depth = exit.depth
      product.x_row = exit.mapsRow
      plan.kernels.maps(&product)
    }
  }

  /// The last map is the output, but for its layout.
  private func leave(_ band: Range<Int>, _ product: lowrank_maps) {
    guard let z = product.z else { return }
    let channels = share(product.outputs, group: 16)
    guard !channels.isEmpty else { return }
    let target = z + channels.lowerBound * product.z_row
    toMaps(band, channels: channels, target: target, targetRow: product.z_row)
    finish(product, channels)
  }

  /// The last 1x1 stage on channel-last rows, some columns at once.
  private func leave(
    _ band: Range<Int>, _ columns: UnsafePointer<Float>, panel: Int, chunk: Int, _ whole: lowrank_maps
  ) {
    guard let z = whole.z else { return }
    let (exit, index, width) = (plan.body.exit, plan.body.maps.count - 1, plan.design.machine.width)
    let map = plan.body.maps[index]
    let maps = memory[exit.maps, part]
    let (sources, targets) = (memory.sources(exit.sources, part), memory.targets(exit.targets, part))
    // The last map's ring is one band high, so rows without padding follow one another in memory.
    let rows = map.columns == plan.design.last.outputWidth ? 1 : band.count
    var product = lowrank_rows()
    product.a = UnsafePointer(sources)
    product.c = UnsafePointer(targets)
    product.rows = rows
    product.pixels = whole.pixels / rows
    for i in 0..<rows {
      sources[i] = UnsafePointer(row(band.lowerBound + i, of: index) + map.before * map.pitch)
      targets[i] = maps + i * product.pixels * exit.mapsRow
    }
    product.taps = 1
    (product.depth, product.b_depth) = (exit.depth, exit.depth)
    (product.a_pixel, product.c_pixel) = (map.pitch, exit.mapsRow)
    product.panel = panel
    let vectors = share(plan.design.machine.vectors(whole.outputs), group: panel)
    for first in stride(from: vectors.lowerBound, to: vectors.upperBound, by: chunk) {
      product.vectors = min(chunk, vectors.upperBound - first)
      let channels = min(product.vectors * width, whole.outputs - first * width)
      product.b = columns + first * width * exit.depth
      plan.kernels.rows(&product)
      plan.kernels.to_maps(
        maps, exit.mapsRow, whole.pixels, channels, z + first * width * whole.z_row, whole.z_row)
      finish(whole, first * width..<(first * width + channels))
    }
  }

  /// Residual and epilogue on some channels of the output that lie in place already.
  private func finish(_ whole: lowrank_maps, _ channels: Range<Int>) {
    guard whole.epilogue != nil || whole.residual != nil else { return }
    var part = whole
    part.z = whole.z.map { $0 + channels.lowerBound * whole.z_row }
    part.residual = whole.residual.map { $0 + channels.lowerBound * whole.z_row }
    part.channel = channels.lowerBound
    part.outputs = channels.count
    plan.kernels.finish(&part)
  }

  /// Turns rows of the last map channel-first, some channels of them.
  private func toMaps(
    _ band: Range<Int>, channels: Range<Int>, target: UnsafeMutablePointer<Float>, targetRow: Int
  ) {
    let (index, width) = (plan.body.maps.count - 1, plan.design.last.outputWidth)
    let map = plan.body.maps[index]
    let first = row(band.lowerBound, of: index) + map.before * map.pitch + channels.lowerBound
    if map.columns == width {
      plan.kernels.to_maps(first, map.pitch, band.count * width, channels.count, target, targetRow)
      return
    }
    for i in 0..<band.count {
      plan.kernels.to_maps(
        first + i * map.rowCount, map.pitch, width, channels.count, target + i * width, targetRow)
    }
  }
}
