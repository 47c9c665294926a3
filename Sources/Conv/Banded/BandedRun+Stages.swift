internal import CKernels
import Tensors

extension BandedRun {
  /// Shifted GEMMs: every tap of the kernel is a view of the padded rows. Rows of taps in the padding are left out.
  ///
  /// Threads share the panels of all blocks of groups.
  func direct(stage index: Int, _ rows: Range<Int>) {
    let own = plan.body.memories[index]
    let vectors = plan.design.machine.vectors(own.blocks.outputs)
    let panels = (vectors + own.panel - 1) / own.panel
    let share = share(own.blocks.count * panels, group: 1)
    var first = share.lowerBound
    while first < share.upperBound {
      let (block, panel) = (first / panels, first % panels)
      let next = min(share.upperBound, first - panel + panels)
      direct(
        stage: index, rows, block: block, panel * own.panel..<min(vectors, (panel + next - first) * own.panel)
      )
      first = next
    }
  }

  /// Some vectors of columns of a block of groups.
  private func direct(stage index: Int, _ rows: Range<Int>, block: Int, _ vectors: Range<Int>) {
    let (stage, own) = (plan.body.stages[index], plan.body.memories[index])
    let (source, target) = (plan.body.maps[index], plan.body.maps[index + 1])
    let (sources, targets) = (memory.sources(own.sources, part), memory.targets(own.targets, part))
    let (width, blocks) = (plan.design.machine.width, own.blocks)
    let paddedOutputs = roundUp(blocks.outputs, to: width)
    let channel = block * blocks.outputs + vectors.lowerBound * width
    var product = lowrank_rows()
    product.a = UnsafePointer(sources)
    product.c = UnsafePointer(targets)
    product.b_depth = stage.kernel.height * stage.kernel.width * blocks.inputs
    product.b = own.weights.base + (block * paddedOutputs + vectors.lowerBound * width) * product.b_depth
    product.pixels = stage.outputWidth
    // Where pixels lie without gaps, the taps along a row of the kernel are one.
    let joined = source.pitch == blocks.inputs && stage.dilation.width == 1 ? stage.kernel.width : 1
    product.depth = joined * blocks.inputs
    product.a_pixel = stage.stride.width * source.pitch
    product.c_pixel = target.pitch
    product.vectors = vectors.count
    product.panel = own.panel
    // What follows the last channel of a block is the next one's.
    if blocks.count > 1 { product.spare = max(0, vectors.upperBound * width - blocks.outputs) }
    product.epilogue = epilogue(ofCore: index)
    product.channel = channel
    var start = rows.lowerBound
    while start < rows.upperBound {
      let (even, taps) = stage.evenRows(start..<rows.upperBound)
      var next = 0
      for y in even {
        targets[y - start] = slot(y, of: index + 1) + target.before * target.pitch + channel
        next = putTaps(
          of: stage, index, y, taps, at: sources, from: next, joined: joined, channel: block * blocks.inputs)
      }
      product.rows = even.count
      product.taps = taps.count * stage.kernel.width / joined
      product.b_first = taps.lowerBound * stage.kernel.width * blocks.inputs
      plan.kernels.rows(&product)
      start = even.upperBound
    }
  }

  /// Each channel by itself.
  func depthwise(stage index: Int, _ rows: Range<Int>) {
    let (stage, own) = (plan.body.stages[index], plan.body.memories[index])
    let (source, target) = (plan.body.maps[index], plan.body.maps[index + 1])
    if stage.isSquare { return depthwiseSquare(stage: index, rows) }
    let sources = memory.sources(own.sources, part)
    let width = plan.design.machine.width
    let vectors = share(plan.design.machine.vectors(stage.outputs), group: 1)
    guard !vectors.isEmpty else { return }
    var product = lowrank_depthwise()
    product.a = UnsafePointer(sources)
    product.pixels = stage.outputWidth
    product.a_pixel = stage.stride.width * source.pitch
    product.c_pixel = target.pitch
    product.vectors = vectors.count
    product.w_row = plan.design.machine.vectors(stage.outputs) * width
    product.epilogue = epilogue(ofCore: index)
    product.channel = vectors.lowerBound * width
    for y in rows {
      let taps = stage.evenRows(y..<(y + 1)).taps
      product.taps = putTaps(
        of: stage, index, y, taps, at: sources, from: 0, channel: vectors.lowerBound * width)
      product.w =
        own.weights.base + taps.lowerBound * stage.kernel.width * product.w_row + vectors.lowerBound * width
      product.c = slot(y, of: index + 1) + target.before * target.pitch + vectors.lowerBound * width
      plan.kernels.depthwise(&product)
    }
  }

  /// Each channel by itself, several rows at once.
  private func depthwiseSquare(stage index: Int, _ rows: Range<Int>) {
    let (stage, own) = (plan.body.stages[index], plan.body.memories[index])
    let (source, target) = (plan.body.maps[index], plan.body.maps[index + 1])
    let (sources, targets) = (memory.sources(own.sources, part), memory.targets(own.targets, part))
    let width = plan.design.machine.width
    let vectors = share(plan.design.machine.vectors(stage.outputs), group: 1)
    guard !vectors.isEmpty else { return }
    let channel = vectors.lowerBound * width
    for (i, y) in stage.plane.rowsRead(by: rows).enumerated() {
      sources[i] = UnsafePointer(
        row(y, of: index, for: y) + (source.before - stage.padding.left) * source.pitch + channel)
    }
    for (i, y) in rows.enumerated() {
      targets[i] = slot(y, of: index + 1) + target.before * target.pitch + channel
    }
    var product = lowrank_depthwise_square()
    product.a = UnsafePointer(sources)
    product.c = UnsafePointer(targets)
    product.w = own.weights.base + channel
    product.w_row = plan.design.machine.vectors(stage.outputs) * width
    product.rows = rows.count
    product.pixels = stage.outputWidth
    (product.side, product.stride) = (stage.kernel.width, stage.stride.width)
    (product.a_pixel, product.c_pixel) = (source.pitch, target.pitch)
    product.vectors = vectors.count
    product.epilogue = epilogue(ofCore: index)
    product.channel = channel
    plan.kernels.depthwise_square(&product)
  }

  /// Writes pointers to the taps of an output row, `taps` of the kernel's rows, of which `joined` neighbours are read as
  /// one, and returns the place behind them.
  private func putTaps(
    of stage: RowStage, _ index: Int, _ y: Int, _ taps: Range<Int>,
    at sources: UnsafeMutablePointer<UnsafePointer<Float>?>, from start: Int, joined: Int = 1,
    channel: Int = 0
  ) -> Int {
    let map = plan.body.maps[index]
    var next = start
    for i in taps {
      let read = y * stage.stride.height - stage.padding.top + i * stage.dilation.height
      let line =
        row(read, of: index, for: y)
        + (map.before - stage.padding.left) * map.pitch + channel
      for j in stride(from: 0, to: stage.kernel.width, by: joined) {
        sources[next] = UnsafePointer(line + j * stage.dilation.width * map.pitch)
        next += 1
      }
    }
    return next
  }

  /// What a stage between entry and exit does to its sums.
  func epilogue(ofCore index: Int) -> UnsafePointer<lowrank_epilogue>? {
    epilogue(of: plan.design.core.lowerBound + index)
  }
}
