internal import CKernels
import TensorCore

extension FusedDesign {
  /// The parts of a plan for one height of the band, and the workspace that they are carved from.
  struct Body {
    var layout = WorkspaceLayout()
    var maps: [RowMap] = []
    var stages: [RowStage] = []
    var memories: [StageMemory] = []
    let entry: EntryStage
    let exit: ExitStage
    let band: Int
    let zeros: WorkspaceRegion<Float>
    let cursors: WorkspaceRegion<Int>

    fileprivate init(_ design: FusedDesign, band: Int, weights: [UnsafePointer<Float>]) {
      self.band = band
      let core = design.core
      stages = zip(core, design.algorithms).map { RowStage($0, $1) }
      if !design.isSingle1x1 { maps = Self.maps(design, stages, band: band, &layout) }
      let offset = design.entersBy1x1 ? 1 : 0
      for (i, stage) in stages.enumerated() {
        memories.append(
          Self.memory(
            stage, from: maps[i], to: maps[i + 1], weights: WeightPointer(base: weights[i + offset]),
            panel: design.panel(of: core[i], stage.algorithm), band: band, &layout))
      }
      entry = Self.entry(design, weights, map: maps.first, &layout)
      exit = Self.exit(design, weights, band: band, map: maps.last, &layout)
      zeros = layout.reserve(Float.self, count: maps.map(\.rowCount).max() ?? 0)
      cursors = layout.reserve(Int.self, count: 2 * maps.count)
    }

    /// The maps from the last to the first: each holds the rows that its reader needs for one band.
    private static func maps(
      _ design: FusedDesign, _ stages: [RowStage], band: Int, _ layout: inout WorkspaceLayout
    ) -> [RowMap] {
      var rows = band
      var maps: [RowMap] = []
      for index in stride(from: stages.count, through: 0, by: -1) {
        let reader = index < stages.count ? stages[index] : nil
        let writer = index > 0 ? stages[index - 1] : nil
        let first = design.planes[0]
        let height = writer?.outputHeight ?? first.inputHeight
        let width = writer?.outputWidth ?? first.inputWidth
        if let reader { rows = max(1, reader.inputRows(for: rows)) }
        let before = reader?.padding.left ?? 0
        maps.append(
          RowMap(
            channels: reader?.inputs ?? writer?.outputs
              ?? design.planes[design.planes.count - 1].inputChannels,
            height: height, width: width, before: before,
            columns: max(reader?.inputColumns ?? 0, before + max(width, writer?.outputColumns ?? 0)),
            capacity: rows,
            in: &layout))
      }
      return maps.reversed()
    }

    private static func entry(
      _ design: FusedDesign, _ weights: [UnsafePointer<Float>], map: RowMap?, _ layout: inout WorkspaceLayout
    ) -> EntryStage {
      let first = design.planes[0]
      guard design.entersBy1x1, let map else {
        return EntryStage(
          columns: nil, panel: 1, chunk: 0, pack: layout.reserve(Float.self, count: 0),
          sources: layout.reserve(UnsafePointer<Float>?.self, count: 0),
          targets: layout.reserve(UnsafeMutablePointer<Float>?.self, count: 0))
      }
      // Packed pixels of all channels fill at most about half of a first cache of 32 KB.
      let chunk = max(design.width == 16 ? 28 : 12, 4096 / first.inputChannels)
      let rows = max(1, chunk / map.width)
      return EntryStage(
        columns: WeightPointer(base: weights[0]), panel: design.panel(of: first, .direct), chunk: chunk,
        pack: layout.reserve(
          Float.self, count: first.inputChannels * roundUp(max(chunk, rows * map.width), to: 16)),
        sources: layout.reserve(UnsafePointer<Float>?.self, count: rows),
        targets: layout.reserve(UnsafeMutablePointer<Float>?.self, count: rows))
    }

    private static func exit(
      _ design: FusedDesign, _ weights: [UnsafePointer<Float>], band: Int, map: RowMap?,
      _ layout: inout WorkspaceLayout
    ) -> ExitStage {
      let last = design.planes[design.planes.count - 1]
      let pixels = band * last.outputWidth
      let bias = weights.count > design.planes.count ? WeightPointer(base: weights[design.planes.count]) : nil
      var (form, mapsRow, count) = (ExitStage.Form.layout, 0, 0)
      if design.leavesBy1x1 {
        let own = WeightPointer(base: weights[design.planes.count - 1])
        if let panel = design.exitPanel {
          form = .columns(own, panel: panel, chunk: 2 * panel)
          mapsRow = 2 * panel * design.width
          count = pixels * mapsRow
        } else {
          form = .strips(own)
          // One line more than the pixels, so that channels do not fight over the same sets of the cache.
          mapsRow = roundUp(pixels, to: 16) + 16
          count = mapsRow * last.inputChannels + 64
        }
      }
      return ExitStage(
        form: form, bias: bias, depth: last.inputChannels, maps: layout.reserve(Float.self, count: count),
        mapsRow: mapsRow)
    }

    private static func memory(
      _ stage: RowStage, from source: RowMap, to target: RowMap, weights: WeightPointer, panel: Int,
      band: Int,
      _ layout: inout WorkspaceLayout
    ) -> StageMemory {
      let taps = stage.kernel.height * stage.kernel.width
      var (transformed, products, overhang) = (0, 0, 0)
      var (sources, targets, tileRows) = (target.capacity * taps, target.capacity, 0)
      if case .winograd(let tile) = stage.algorithm {
        let points = (tile + 2) * (tile + 2)
        tileRows = (target.capacity + tile - 1) / tile
        let tiles = tileRows * ((stage.outputWidth + tile - 1) / tile)
        transformed = points * (tiles * source.pitch + 16)
        products = points * (tiles * target.pitch + 16)
        overhang = target.rowCount
        (sources, targets) = (tile + 2, tile + 2)
      }
      return StageMemory(
        weights: weights, panel: panel, sources: layout.reserve(UnsafePointer<Float>?.self, count: sources),
        targets: layout.reserve(UnsafeMutablePointer<Float>?.self, count: targets),
        transformed: layout.reserve(Float.self, count: transformed),
        products: layout.reserve(Float.self, count: products),
        overhang: layout.reserve(Float.self, count: overhang), tileRows: tileRows)
    }
  }

  /// The highest band whose workspace stays in the second cache.
  func fitting(weights: [UnsafePointer<Float>]) -> Body {
    let height = planes[planes.count - 1].outputHeight
    let tile = algorithms.reduce(1) { step, algorithm in
      if case .winograd(let tile) = algorithm { max(step, tile) } else { step }
    }
    if let band { return Body(self, band: roundUp(max(1, min(band, height)), to: tile), weights: weights) }
    let budget = 640 << 10
    var bands = 1
    while true {
      let band = roundUp((height + bands - 1) / bands, to: tile)
      let body = Body(self, band: band, weights: weights)
      if body.layout.byteCount <= budget || band <= tile { return body }
      bands += 1
    }
  }
}
