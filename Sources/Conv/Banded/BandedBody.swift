internal import CKernels
import Tensors

/// The parts of a plan for a design, and the workspace of a slot that they are carved from.
struct BandedBody: Sendable {
  private(set) var layout: WorkspaceLayout
  private(set) var maps: [RingMap] = []
  let stages: [RowStage]
  private(set) var memories: [StageMemory] = []
  let entry: EntryStage
  let exit: ExitStage
  /// Whether the last stage writes the output where no residual is added to it: the last map lies as the output does.
  let writesOutput: Bool
  /// A row of any map for what belongs to none: rows of the last tiles behind the map, rows between stacked images.
  let overhang: WorkspaceRegion<Float>
  /// A row of zeros, as long as the longest of a map.
  let zeros: WorkspaceRegion<Float>
  /// For each thread and map the first row of the run and the next one to compute.
  let cursors: WorkspacePieces<Int>

  /// `redZone` bytes keep the regions apart: see `WorkspaceLayout.init(redZone:)`.
  init(_ design: BandedDesign, weights: [UnsafePointer<Float>], redZone: Int = 0) {
    layout = WorkspaceLayout(redZone: redZone)
    stages = design.core.map { design.stage($0) }
    if !design.isSinglePointwise { maps = Self.maps(design, stages, &layout) }
    for (i, index) in design.core.enumerated() {
      memories.append(
        Self.memory(
          stages[i], from: maps[i], to: maps[i + 1], weights: WeightPointer(base: weights[index]), design,
          index,
          &layout))
    }
    entry = Self.entry(design, weights, map: maps.first, &layout)
    exit = Self.exit(design, weights, map: maps.last, &layout)
    writesOutput = !maps.isEmpty && design.writesOutput
    let longest = maps.map(\.rowCount).max() ?? 0
    overhang = layout.reserve(Float.self, count: longest)
    zeros = layout.reserve(Float.self, count: longest)
    cursors = layout.reserve(Int.self, parts: design.parts, count: 2 * maps.count)
  }

  /// The maps from the last to the first: each holds the rows that its reader needs for one band.
  private static func maps(
    _ design: BandedDesign, _ stages: [RowStage], _ layout: inout WorkspaceLayout
  ) -> [RingMap] {
    var rows = design.band
    var maps: [RingMap] = []
    let first = design.planes[0]
    for index in stride(from: stages.count, through: 0, by: -1) {
      let reader = index < stages.count ? stages[index] : nil
      let writer = index > 0 ? stages[index - 1] : nil
      let width = writer?.outputWidth ?? first.inputWidth
      if let reader { rows = reader.capacity(forRows: rows) }
      let before = reader?.padding.left ?? 0
      maps.append(
        RingMap(
          channels: reader?.inputs ?? writer?.outputs
            ?? (design.leavesPointwise ? design.last.inputChannels : design.last.outputChannels),
          width: width, before: before,
          columns: max(reader?.inputColumns ?? 0, before + max(width, writer?.outputColumns ?? 0)),
          capacity: rows,
          // Taps of so few channels are short: those along a row of the kernel are read as one.
          isDense: index == 0 && !design.entersPointwise && reader?.algorithm == .direct
            && first.inputChannels <= LOWRANK_MOST_DENSE,
          pitch: reader == nil && design.writesOutput ? design.ends.output.position : nil,
          in: &layout))
    }
    return maps.reversed()
  }

  private static func entry(
    _ design: BandedDesign, _ weights: [UnsafePointer<Float>], map: RingMap?, _ layout: inout WorkspaceLayout
  ) -> EntryStage {
    let (first, parts) = (design.planes[0], design.parts)
    var (columns, pixels, rows) = (WeightPointer?.none, 0, 0)
    if design.entersPointwise, let map {
      columns = WeightPointer(base: weights[0])
      // The pixels of a chunk, in all channels, are read again for each panel of columns: they fill a small part of the
      // second cache.
      pixels = max(28, 16384 / first.inputChannels)
      rows = max(1, pixels / map.width)
    }
    return EntryStage(
      columns: columns, panel: columns == nil ? 1 : design.panel(0), pixelsTogether: pixels,
      rowsTogether: rows,
      sources: layout.reserve(AddressBits.self, parts: parts, count: rows),
      targets: layout.reserve(AddressBits.self, parts: parts, count: rows))
  }

  private static func exit(
    _ design: BandedDesign, _ weights: [UnsafePointer<Float>], map: RingMap?, _ layout: inout WorkspaceLayout
  ) -> ExitStage {
    let (last, parts) = (design.last, design.parts)
    let pixels = design.band * last.outputWidth
    var (form, mapsRow, count) = (ExitStage.Form.layout, 0, 0)
    if design.leavesPointwise {
      let own = WeightPointer(base: weights[design.planes.count - 1])
      if let panel = design.exitPanel {
        form = .columns(own, panel: panel, chunk: 2 * panel)
        mapsRow = 2 * panel * design.machine.width
        count = pixels * mapsRow
      } else {
        form = .strips(own)
        // One line more than the pixels, so that channels do not fight over the same sets of the cache.
        mapsRow = roundUp(pixels, to: 16) + 16
        count = mapsRow * last.inputChannels + 64
      }
    }
    return ExitStage(
      form: form, depth: last.inputChannels,
      maps: layout.reserve(Float.self, parts: parts, count: count),
      mapsRow: mapsRow,
      sources: layout.reserve(AddressBits.self, parts: parts, count: design.band),
      targets: layout.reserve(AddressBits.self, parts: parts, count: design.band))
  }

  private static func memory(
    _ stage: RowStage, from source: RingMap, to target: RingMap, weights: WeightPointer,
    _ design: BandedDesign,
    _ index: Int, _ layout: inout WorkspaceLayout
  ) -> StageMemory {
    var (transformed, products) = (0, 0)
    var (tiles, made): (Int, MadeWeights?) = (0, nil)
    let parts = design.parts
    if case .winograd(let form) = stage.algorithm {
      // The first band fills the ring, the others what they add to it.
      tiles = design.tilesTogether(index, form, of: stage.grid(form, rows: target.capacity).count)
      transformed = form.points * TileGrid.pointStride(tiles: tiles, pitch: source.pitch)
      if let chunk = design.madeTogether(index) {
        made = Self.made(form, chunk, tiles, inputs: stage.inputs, design, &layout)
      } else {
        products = form.points * TileGrid.pointStride(tiles: tiles, pitch: target.pitch)
      }
    }
    let (sources, targets) = stage.pointers(rows: target.capacity)
    return StageMemory(
      weights: weights, panel: design.panel(index), blocks: design.blocks[index],
      sources: layout.reserve(AddressBits.self, parts: parts, count: sources),
      targets: layout.reserve(AddressBits.self, parts: parts, count: targets),
      tiles: tiles, transformed: layout.reserve(Float.self, count: transformed),
      products: layout.reserve(Float.self, count: products), made: made)
  }

  private static func made(
    _ form: WinogradForm, _ chunk: Int, _ tiles: Int, inputs: Int, _ design: BandedDesign,
    _ layout: inout WorkspaceLayout
  ) -> MadeWeights {
    let (columns, parts) = (chunk * design.machine.width, design.parts)
    return MadeWeights(
      chunk: chunk, filter: form.filter.flatMap { $0.map { Float($0) } },
      taps: layout.reserve(Float.self, parts: parts, count: inputs * form.kernel * form.kernel * columns),
      columns: layout.reserve(Float.self, parts: parts, count: form.side * inputs * columns),
      products: layout.reserve(
        Float.self, parts: parts, count: form.points * TileGrid.pointStride(tiles: tiles, pitch: columns)))
  }
}
