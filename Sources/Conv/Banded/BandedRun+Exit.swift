internal import CKernels
import Tensors

extension BandedRun {
  /// Writes a band of the output from the last map.
  func leave(_ band: Range<Int>) {
    switch plan.body.exit.form {
    case .layout: copyOut(band)
    case .strips(let strips): leave(band, strips: strips.base)
    case .columns(let columns, let panel, let chunk):
      let vectors = share(plan.design.machine.vectors(plan.design.last.outputChannels), group: panel)
      if plan.body.maps.isEmpty, plan.design.ends.output.isChannelLast, residual == nil {
        return multiply(band, columns.base, vectors, panel: panel)
      }
      let source = rowsOut(band, panel: panel)
      let isWhole = plan.design.last.outputChannels % plan.design.machine.width == 0
      if plan.design.ends.output.isChannelLast, isWhole, residual == nil {
        leave(band, columns.base, vectors, from: source)
      } else {
        leave(band, columns.base, vectors, chunk: chunk, from: source)
      }
    }
  }

  /// A single pointwise stage between channel-last maps is a product of matrices.
  private func multiply(
    _ band: Range<Int>, _ columns: UnsafePointer<Float>, _ vectors: Range<Int>, panel: Int
  ) {
    let (last, ends) = (plan.design.last, plan.design.ends)
    let product = PackedProduct(
      depth: last.inputChannels, columns: last.outputChannels, panel: panel, machine: plan.design.machine)
    let source = input + inputOffset(row: band.lowerBound)
    let operands = ProductOperands(
      a: source, aRow: ends.input.position, aColumn: 1, b: columns,
      c: output + outputOffset(row: band.lowerBound), cRow: ends.output.position)
    product.multiply(
      operands, rows: 0..<band.count * last.outputWidth, vectors: vectors,
      epilogue: plan.epilogues[plan.epilogues.count - 1], kernels: plan.kernelTable)
  }

  /// The last map is the output, but for its layout, a residual and what follows it.
  private func copyOut(_ band: Range<Int>) {
    let (index, width) = (plan.body.maps.count - 1, plan.design.last.outputWidth)
    let map = plan.body.maps[index]
    let channels = share(plan.design.last.outputChannels, group: 16)
    guard !channels.isEmpty else { return }
    // Rows without padding follow one another.
    let (lines, pixels) = map.columns == width ? (1, band.count * width) : (band.count, width)
    for line in 0..<lines {
      let y = band.lowerBound + line
      let source = slot(y, of: index) + map.before * map.pitch + channels.lowerBound
      leave(
        source, pitch: map.pitch, pixels: pixels, to: outputOffset(row: y), channels: channels)
    }
  }

  /// Writes channel-last results of some channels in the output's layout, adding the residual.
  private func leave(
    _ source: UnsafePointer<Float>, pitch: Int, pixels: Int, to offset: Int, channels: Range<Int>
  ) {
    let strides = plan.design.ends.output
    let at = offset + channels.lowerBound * strides.channel
    guard let residual else {
      if strides.isChannelLast {
        plan.kernels.copy_maps(source, pitch, channels.count, pixels, 0, output + at, strides.position)
      } else {
        plan.kernels.to_maps(source, pitch, pixels, channels.count, output + at, strides.channel)
      }
      return
    }
    var results = lowrank_leave()
    results.x = source
    results.x_pixel = pitch
    results.z = output + at
    results.residual = residual + at
    (results.pixels, results.channels) = (pixels, channels.count)
    results.z_step = strides.isChannelLast ? strides.position : strides.channel
    results.epilogue = plan.epilogues[plan.epilogues.count - 1].activationAlone
    results.channel = channels.lowerBound
    if strides.isChannelLast {
      plan.kernels.leave_rows(&results)
    } else {
      plan.kernels.leave_maps(&results)
    }
  }

  /// A pointwise stage on channel-first maps, which writes the output as it lies.
  private func leave(_ band: Range<Int>, strips: UnsafePointer<Float>) {
    let (exit, last, ends) = (plan.body.exit, plan.design.last, plan.design.ends)
    let maps = memory[exit.maps, part]
    let at = outputOffset(row: band.lowerBound)
    var product = lowrank_maps()
    product.outputs = last.outputChannels / last.groups
    product.pixels = band.count * last.outputWidth
    product.z_row = ends.output.channel
    product.depth = exit.depth / last.groups
    product.x_row = exit.mapsRow
    product.epilogue = plan.epilogues[plan.epilogues.count - 1].whole
    if plan.body.maps.isEmpty {
      plan.kernels.copy_maps(
        input + inputOffset(row: band.lowerBound), ends.input.channel, product.pixels, exit.depth,
        product.pixels, maps, exit.mapsRow)
    } else {
      turn(band, to: maps)
    }
    let group = roundUp(product.outputs, to: plan.design.machine.strip) * product.depth
    for index in 0..<last.groups {
      product.channel = index * product.outputs
      let to = at + product.channel * product.z_row
      product.z = output + to
      product.residual = residual.map { $0 + to }
      product.x = UnsafePointer(maps + index * product.depth * product.x_row)
      product.w = strips + index * group
      plan.kernels.maps(&product)
    }
  }

  /// Turns a band of the last map channel-first.
  private func turn(_ band: Range<Int>, to target: UnsafeMutablePointer<Float>) {
    let (exit, index, width) = (plan.body.exit, plan.body.maps.count - 1, plan.design.last.outputWidth)
    let map = plan.body.maps[index]
    let first = slot(band.lowerBound, of: index) + map.before * map.pitch
    let (lines, pixels) = map.columns == width ? (1, band.count * width) : (band.count, width)
    for i in 0..<lines {
      plan.kernels.to_maps(
        first + i * map.rowCount, map.pitch, pixels, exit.depth, target + i * width, exit.mapsRow)
    }
  }

  /// The product of a band of the last map, or of a channel-last input where there is no map: but for its columns and where
  /// they go.
  private func rowsOut(_ band: Range<Int>, panel: Int) -> lowrank_rows {
    let (exit, width) = (plan.body.exit, plan.design.last.outputWidth)
    let (sources, targets) = (memory.sources(exit.sources, part), memory.targets(exit.targets, part))
    var product = lowrank_rows()
    product.a = UnsafePointer(sources)
    product.c = UnsafePointer(targets)
    product.rows = 1
    if let map = plan.body.maps.last {
      let index = plan.body.maps.count - 1
      // The last map's ring is one band high, so rows without padding follow one another in memory.
      product.rows = map.columns == width ? 1 : band.count
      product.a_pixel = map.pitch
      for i in 0..<product.rows {
        sources[i] = UnsafePointer(slot(band.lowerBound + i, of: index) + map.before * map.pitch)
      }
    } else {
      product.a_pixel = plan.design.ends.input.position
      sources[0] = UnsafePointer(input + inputOffset(row: band.lowerBound))
    }
    product.pixels = band.count * width / product.rows
    product.taps = 1
    (product.depth, product.b_depth) = (exit.depth, exit.depth)
    product.panel = panel
    product.epilogue = epilogue(of: plan.design.planes.count - 1)
    return product
  }

  /// A pointwise stage that writes whole vectors of a channel-last output where they belong.
  private func leave(
    _ band: Range<Int>, _ columns: UnsafePointer<Float>, _ vectors: Range<Int>,
    from source: lowrank_rows
  ) {
    guard !vectors.isEmpty else { return }
    let (strides, width) = (plan.design.ends.output, plan.design.machine.width)
    let targets = memory.targets(plan.body.exit.targets, part)
    let target = output + outputOffset(row: band.lowerBound) + vectors.lowerBound * width
    for i in 0..<source.rows { targets[i] = target + i * source.pixels * strides.position }
    var product = source
    product.c_pixel = strides.position
    product.vectors = vectors.count
    product.channel = vectors.lowerBound * width
    product.b = columns + vectors.lowerBound * width * product.depth
    plan.kernels.rows(&product)
  }

  /// A pointwise stage, some columns at once, which are then written in the output's layout.
  private func leave(
    _ band: Range<Int>, _ columns: UnsafePointer<Float>, _ vectors: Range<Int>, chunk: Int,
    from source: lowrank_rows
  ) {
    let (exit, width) = (plan.body.exit, plan.design.machine.width)
    let outputs = plan.design.last.outputChannels
    let (maps, targets) = (memory[exit.maps, part], memory.targets(exit.targets, part))
    let offset = outputOffset(row: band.lowerBound)
    for i in 0..<source.rows { targets[i] = maps + i * source.pixels * exit.mapsRow }
    var product = source
    product.c_pixel = exit.mapsRow
    for first in stride(from: vectors.lowerBound, to: vectors.upperBound, by: chunk) {
      product.vectors = min(chunk, vectors.upperBound - first)
      product.channel = first * width
      product.b = columns + first * width * product.depth
      plan.kernels.rows(&product)
      leave(
        maps, pitch: exit.mapsRow, pixels: product.rows * product.pixels, to: offset,
        channels: first * width..<min((first + product.vectors) * width, outputs))
    }
  }
}
