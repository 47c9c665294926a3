internal import CKernels
import Tensors

extension BandedRun {
  /// Computes rows of the first map from the input.
  func enter(_ rows: Range<Int>) {
    let (entry, width) = (plan.body.entry, plan.design.planes[0].inputWidth)
    let source = input + inputOffset(row: rows.lowerBound)
    let rowCount = width * plan.design.ends.input.position
    guard let columns = entry.columns else { return copyIn(rows, source) }
    // Whole rows where several fit in a chunk, else pieces of one.
    let pieces = (width + entry.pixelsTogether - 1) / entry.pixelsTogether
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: entry.rowsTogether) {
      let chunk = start..<min(start + entry.rowsTogether, rows.upperBound)
      for piece in 0..<pieces {
        enter(
          columns.base, source + (start - rows.lowerBound) * rowCount, rows: chunk,
          piece * width / pieces..<(piece + 1) * width / pieces)
      }
    }
  }

  /// The first map is the input, but for its layout. `source` is the first of the rows.
  private func copyIn(_ rows: Range<Int>, _ source: UnsafePointer<Float>) {
    let (map, strides) = (plan.body.maps[0], plan.design.ends.input)
    let (width, channels) = (map.width, share(map.channels, group: 16))
    guard !channels.isEmpty else { return }
    for y in rows {
      let from =
        source + (y - rows.lowerBound) * width * strides.position + channels.lowerBound * strides.channel
      let target = slot(y, of: 0) + map.before * map.pitch + channels.lowerBound
      if strides.isChannelLast {
        // Pixels without gaps follow one another in both.
        let (lines, count) =
          strides.position == map.pitch && channels.count == map.pitch
          ? (1, width * map.pitch) : (width, channels.count)
        plan.kernels.copy_maps(from, strides.position, count, lines, 0, target, map.pitch)
      } else if map.pitch < 16 {
        plan.kernels.to_dense_rows(from, strides.channel, width, map.channels, target)
      } else {
        plan.kernels.to_rows(from, strides.channel, width, channels.count, target, map.pitch)
      }
    }
  }

  /// One chunk through the pointwise stage, read as it lies from its first row on.
  private func enter(
    _ columns: UnsafePointer<Float>, _ source: UnsafePointer<Float>, rows: Range<Int>, _ pixels: Range<Int>
  ) {
    let (entry, map, first) = (plan.body.entry, plan.body.maps[0], plan.design.planes[0])
    let (strides, depth) = (plan.design.ends.input, first.inputChannels)
    let width = plan.design.machine.width
    let vectors = share(plan.design.machine.vectors(map.channels), group: entry.panel)
    guard !vectors.isEmpty else { return }
    let (sources, targets) = (memory.sources(entry.sources, part), memory.targets(entry.targets, part))
    for (i, y) in rows.enumerated() {
      sources[i] = source + (i * first.inputWidth + pixels.lowerBound) * strides.position
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
    (product.a_pixel, product.a_depth) = (strides.position, strides.channel)
    product.c_pixel = map.pitch
    product.b_depth = depth
    product.vectors = vectors.count
    product.panel = entry.panel
    product.epilogue = epilogue(of: 0)
    product.channel = vectors.lowerBound * width
    if strides.isChannelLast { plan.kernels.rows(&product) } else { plan.kernels.rows_of_maps(&product) }
  }
}
