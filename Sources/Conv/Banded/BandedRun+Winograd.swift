internal import CKernels
import Tensors

extension BandedRun {
  /// Winograd: the tiles of a band are transformed, multiplied point by point, and transformed back; some tiles at a time where
  /// that keeps them in the second cache.
  func winograd(stage index: Int, _ rows: Range<Int>, _ form: WinogradForm) {
    let (stage, own) = (plan.body.stages[index], plan.body.memories[index])
    let grid = stage.grid(form, rows: rows.count)
    let vectors = share(plan.design.machine.vectors(stage.outputs), group: own.panel)
    let segments = (grid.count + own.tiles - 1) / own.tiles
    for segment in 0..<segments {
      let range = (segment * grid.count / segments)..<((segment + 1) * grid.count / segments)
      let tiles = WinogradTiles(
        grid, range, memory[own.transformed], pitch: plan.body.maps[index].pitch)
      winogradForward(stage: index, rows, form, tiles)
      meet()
      guard !vectors.isEmpty else { continue }
      if let made = own.made {
        winograd(stage: index, rows, form, tiles, vectors, making: made)
      } else {
        winograd(stage: index, rows, form, tiles, vectors)
      }
    }
    if index + 1 < plan.body.stages.count { clearOverhang(of: index + 1, rows, vectors) }
  }

  /// The products with weights that were transformed beforehand.
  private func winograd(
    stage index: Int, _ rows: Range<Int>, _ form: WinogradForm, _ tiles: WinogradTiles, _ vectors: Range<Int>
  ) {
    let (stage, own, width) = (plan.body.stages[index], plan.body.memories[index], plan.design.machine.width)
    let products = WinogradTiles(
      tiles.grid, tiles.range, memory[own.products] + vectors.lowerBound * width,
      pitch: plan.body.maps[index + 1].pitch)
    let weights = own.weights.base + vectors.lowerBound * width * stage.inputs
    let weightsPoint = plan.design.machine.vectors(stage.outputs) * width * stage.inputs
    for point in 0..<form.points {
      multiply(stage: index, tiles, point, by: weights + point * weightsPoint, vectors.count, to: products)
    }
    winogradBack(stage: index, rows, form, products, vectors)
  }

  /// The products with weights that are transformed here, some columns and one row of points at a time, so that they come
  /// from a near cache.
  private func winograd(
    stage index: Int, _ rows: Range<Int>, _ form: WinogradForm, _ tiles: WinogradTiles, _ vectors: Range<Int>,
    making made: MadeWeights
  ) {
    let width = plan.design.machine.width
    let (taps, columns) = (memory[made.taps, part], memory[made.columns, part])
    for first in stride(from: vectors.lowerBound, to: vectors.upperBound, by: made.chunk) {
      let chunk = first..<min(first + made.chunk, vectors.upperBound)
      let pitch = chunk.count * width
      let products = WinogradTiles(tiles.grid, tiles.range, memory[made.products, part], pitch: pitch)
      gather(stage: index, chunk, to: taps)
      let columnsPoint = pitch * plan.body.stages[index].inputs
      for row in 0..<form.side {
        make(stage: index, form, row: row, chunk.count, made, from: taps, to: columns)
        for point in 0..<form.side {
          multiply(
            stage: index, tiles, row * form.side + point, by: columns + point * columnsPoint, chunk.count,
            to: products)
        }
      }
      winogradBack(stage: index, rows, form, products, chunk)
    }
  }

  /// Brings the taps of some columns into vectors, panel after panel: [input, tap][column].
  private func gather(stage index: Int, _ vectors: Range<Int>, to taps: UnsafeMutablePointer<Float>) {
    let (stage, own, width) = (plan.body.stages[index], plan.body.memories[index], plan.design.machine.width)
    let row = stage.inputs * stage.kernel.height * stage.kernel.width
    for first in stride(from: vectors.lowerBound, to: vectors.upperBound, by: own.panel) {
      let (panel, output) = (min(own.panel, vectors.upperBound - first), first * width)
      plan.kernels.to_rows(
        own.weights.base + output * row, row, row, min(panel * width, stage.outputs - output),
        taps + (first - vectors.lowerBound) * width * row, panel * width)
    }
  }

  /// Transforms gathered taps to one row of points: [point][panel][input][column].
  private func make(
    stage index: Int, _ form: WinogradForm, row: Int, _ vectors: Int, _ made: MadeWeights,
    from taps: UnsafeMutablePointer<Float>, to columns: UnsafeMutablePointer<Float>
  ) {
    let (own, inputs, width) = (
      plan.body.memories[index], plan.body.stages[index].inputs, plan.design.machine.width
    )
    made.filter.withUnsafeBufferPointer { filter in
      guard let filter = filter.baseAddress else { return }
      var transform = lowrank_winograd_weights()
      (transform.down, transform.across) = (filter + row * form.kernel, filter)
      (transform.points, transform.depth) = (form.side, inputs)
      transform.u_point = vectors * width * inputs
      for first in stride(from: 0, to: vectors, by: own.panel) {
        transform.vectors = min(own.panel, vectors - first)
        transform.taps = UnsafePointer(taps + first * width * inputs * form.kernel * form.kernel)
        transform.u = columns + first * width * inputs
        plan.kernels.winograd_weights(&transform)
      }
    }
  }

  /// The product of one point.
  private func multiply(
    stage index: Int, _ tiles: WinogradTiles, _ point: Int, by columns: UnsafePointer<Float>, _ vectors: Int,
    to products: WinogradTiles
  ) {
    let (inputs, own) = (plan.body.stages[index].inputs, plan.body.memories[index])
    let (sources, targets) = (memory.sources(own.sources, part), memory.targets(own.targets, part))
    sources[0] = UnsafePointer(tiles.base + point * tiles.point)
    targets[0] = products.base + point * products.point
    var product = lowrank_rows()
    product.a = UnsafePointer(sources)
    product.c = UnsafePointer(targets)
    product.b = columns
    (product.rows, product.pixels, product.taps) = (1, tiles.range.count, 1)
    (product.depth, product.b_depth) = (inputs, inputs)
    (product.a_pixel, product.c_pixel) = (tiles.pitch, products.pitch)
    (product.vectors, product.panel) = (vectors, own.panel)
    plan.kernels.rows(&product)
  }

  private func winogradForward(
    stage index: Int, _ rows: Range<Int>, _ form: WinogradForm, _ tiles: WinogradTiles
  ) {
    let (stage, own, source) = (plan.body.stages[index], plan.body.memories[index], plan.body.maps[index])
    let vectors = share(plan.design.machine.vectors(stage.inputs), group: 1)
    guard !vectors.isEmpty else { return }
    let channel = vectors.lowerBound * plan.design.machine.width
    let sources = memory.sources(own.sources, part)
    let grid = tiles.grid
    var transform = lowrank_winograd_input()
    transform.rows = UnsafePointer(sources)
    transform.vectors = vectors.count
    transform.pixel = grid.phases.width * source.pitch
    (transform.v_tile, transform.v_point) = (tiles.pitch, tiles.point)
    transform.v = tiles.base + channel
    grid.forEachLine(of: tiles.range) { top, left, line in
      let first = rows.lowerBound + top - stage.padding.top
      let column = source.before - stage.padding.left + left + line.lowerBound * grid.block.width
      for i in 0..<form.sides.height {
        sources[i] = UnsafePointer(
          row(first + i * grid.phases.height, of: index, for: rows.lowerBound + top) + column * source.pitch
            + channel)
      }
      transform.tiles = line.count
      plan.winogradInput(form)?(&transform)
      transform.v += line.count * tiles.pitch
    }
  }

  /// `products` are those of `vectors`.
  private func winogradBack(
    stage index: Int, _ rows: Range<Int>, _ form: WinogradForm, _ products: WinogradTiles,
    _ vectors: Range<Int>
  ) {
    let (own, target) = (plan.body.memories[index], plan.body.maps[index + 1])
    let channel = vectors.lowerBound * plan.design.machine.width
    let targets = memory.targets(own.targets, part)
    let grid = products.grid
    var transform = lowrank_winograd_output()
    transform.rows = UnsafePointer(targets)
    transform.vectors = vectors.count
    transform.pixel = grid.phases.width * target.pitch
    (transform.m_tile, transform.m_point) = (products.pitch, products.point)
    (transform.epilogue, transform.channel) = (epilogue(ofCore: index), channel)
    transform.m = UnsafePointer(products.base)
    grid.forEachLine(of: products.range) { top, left, line in
      let column = left + line.lowerBound * grid.block.width
      for i in 0..<form.tiles.height {
        let y = rows.lowerBound + top + i * grid.phases.height
        let base =
          y < rows.upperBound
          ? slot(y, of: index + 1) + target.before * target.pitch : memory[plan.body.overhang]
        targets[i] = base + column * target.pitch + channel
      }
      transform.tiles = line.count
      plan.winogradOutput(form)?(&transform)
      transform.m += line.count * products.pitch
    }
  }

  /// Puts zeros back where the last tile of each row reached into the padding of the map.
  private func clearOverhang(of index: Int, _ rows: Range<Int>, _ vectors: Range<Int>) {
    let (map, stage, width) = (plan.body.maps[index], plan.body.stages[index - 1], plan.design.machine.width)
    for y in rows {
      let end = slot(y, of: index) + (map.before + map.width) * map.pitch + vectors.lowerBound * width
      for column in 0..<(stage.outputColumns - map.width) {
        (end + column * map.pitch).update(repeating: 0, count: vectors.count * width)
      }
    }
  }
}

/// The matrices of some tiles of a grid in memory: one for each point, a row of channels for each tile.
private struct WinogradTiles {
  let grid: TileGrid
  /// The tiles, by their place in the grid.
  let range: Range<Int>
  let base: UnsafeMutablePointer<Float>
  /// Floats between neighbouring tiles.
  let pitch: Int
  /// Floats between the matrices of neighbouring points.
  let point: Int

  init(_ grid: TileGrid, _ range: Range<Int>, _ base: UnsafeMutablePointer<Float>, pitch: Int) {
    (self.grid, self.range, self.base, self.pitch) = (grid, range, base, pitch)
    point = TileGrid.pointStride(tiles: range.count, pitch: pitch)
  }
}
