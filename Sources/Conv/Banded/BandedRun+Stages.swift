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
        row(y, of: index) + (source.before - stage.padding.left) * source.pitch + channel)
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
      let line =
        row(y * stage.stride.height - stage.padding.top + i * stage.dilation.height, of: index)
        + (map.before - stage.padding.left) * map.pitch + channel
      for j in stride(from: 0, to: stage.kernel.width, by: joined) {
        sources[next] = UnsafePointer(line + j * stage.dilation.width * map.pitch)
        next += 1
      }
    }
    return next
  }

  /// Winograd: the tiles of a band are transformed, multiplied point by point, and transformed back.
  func winograd(stage index: Int, _ rows: Range<Int>, _ form: WinogradForm) {
    let (stage, own) = (plan.body.stages[index], plan.body.memories[index])
    let (source, target) = (plan.body.maps[index], plan.body.maps[index + 1])
    let grid = form.grid(rows: rows.count, columns: stage.outputWidth)
    let width = plan.design.machine.width
    let (v, m) = (memory[own.transformed], memory[own.products])
    let (vPoint, mPoint) = (grid.pointStride(pitch: source.pitch), grid.pointStride(pitch: target.pitch))
    winogradForward(stage: index, rows, form, v, vPoint)
    meet()
    let vectors = share(plan.design.machine.vectors(stage.outputs), group: own.panel)
    guard !vectors.isEmpty else { return }
    let (sources, targets) = (memory.sources(own.sources, part), memory.targets(own.targets, part))
    var product = lowrank_rows()
    product.a = UnsafePointer(sources)
    product.c = UnsafePointer(targets)
    product.rows = 1
    product.pixels = grid.count
    product.taps = 1
    (product.depth, product.b_depth) = (stage.inputs, stage.inputs)
    (product.a_pixel, product.c_pixel) = (source.pitch, target.pitch)
    product.vectors = vectors.count
    product.panel = own.panel
    let weights = own.weights.base + vectors.lowerBound * width * stage.inputs
    let weightsPoint = plan.design.machine.vectors(stage.outputs) * width * stage.inputs
    for point in 0..<form.points {
      sources[0] = UnsafePointer(v + point * vPoint)
      targets[0] = m + point * mPoint + vectors.lowerBound * width
      product.b = weights + point * weightsPoint
      plan.kernels.rows(&product)
    }
    winogradBack(stage: index, rows, form, m, mPoint, vectors)
  }

  private func winogradForward(
    stage index: Int, _ rows: Range<Int>, _ form: WinogradForm, _ v: UnsafeMutablePointer<Float>,
    _ vPoint: Int
  ) {
    let (stage, own, source) = (plan.body.stages[index], plan.body.memories[index], plan.body.maps[index])
    let vectors = share(plan.design.machine.vectors(stage.inputs), group: 1)
    guard !vectors.isEmpty else { return }
    let channel = vectors.lowerBound * plan.design.machine.width
    let sources = memory.sources(own.sources, part)
    var transform = lowrank_winograd_input()
    transform.rows = UnsafePointer(sources)
    transform.tiles = form.grid(rows: rows.count, columns: stage.outputWidth).across
    transform.vectors = vectors.count
    (transform.pixel, transform.v_tile, transform.v_point) = (source.pitch, source.pitch, vPoint)
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: form.tiles.height) {
      for i in 0..<form.sides.height {
        sources[i] = UnsafePointer(
          row(start - stage.padding.top + i, of: index) + (source.before - stage.padding.left) * source.pitch
            + channel)
      }
      transform.v =
        v + (start - rows.lowerBound) / form.tiles.height * transform.tiles * source.pitch + channel
      plan.winogradInput(form)?(&transform)
    }
  }

  private func winogradBack(
    stage index: Int, _ rows: Range<Int>, _ form: WinogradForm, _ m: UnsafeMutablePointer<Float>,
    _ mPoint: Int,
    _ vectors: Range<Int>
  ) {
    let (stage, own, target) = (plan.body.stages[index], plan.body.memories[index], plan.body.maps[index + 1])
    let channel = vectors.lowerBound * plan.design.machine.width
    let targets = memory.targets(own.targets, part)
    var transform = lowrank_winograd_output()
    transform.rows = UnsafePointer(targets)
    transform.tiles = form.grid(rows: rows.count, columns: stage.outputWidth).across
    transform.vectors = vectors.count
    (transform.pixel, transform.m_tile, transform.m_point) = (target.pitch, target.pitch, mPoint)
    transform.epilogue = epilogue(ofCore: index)
    transform.channel = channel
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: form.tiles.height) {
      for i in 0..<form.tiles.height {
        targets[i] =
          (start + i < rows.upperBound
            ? slot(start + i, of: index + 1) + target.before * target.pitch : memory[own.overhang]) + channel
      }
      transform.m = UnsafePointer(
        m + (start - rows.lowerBound) / form.tiles.height * transform.tiles * target.pitch + channel)
      plan.winogradOutput(form)?(&transform)
    }
    if index + 1 < plan.body.stages.count { clearOverhang(of: index + 1, rows, channel, vectors.count) }
  }

  /// Puts zeros back where the last tile of each row reached into the padding of the map.
  private func clearOverhang(of index: Int, _ rows: Range<Int>, _ channel: Int, _ vectors: Int) {
    let (map, stage) = (plan.body.maps[index], plan.body.stages[index - 1])
    let count = vectors * plan.design.machine.width
    for y in rows {
      let end = slot(y, of: index) + (map.before + map.width) * map.pitch + channel
      for column in 0..<(stage.outputColumns - map.width) {
        (end + column * map.pitch).update(repeating: 0, count: count)
      }
    }
  }

  private func epilogue(ofCore index: Int) -> UnsafePointer<lowrank_epilogue>? {
    epilogue(of: plan.design.core.lowerBound + index)
  }
}
