internal import CKernels
import TensorCore

/// One thread's part of a fused run.
struct FusedRun {
  let plan: FusedConvolution
  let input: UnsafePointer<Float>
  let output: UnsafeMutablePointer<Float>
  let memory: SlotMemory

  private var origins: UnsafeMutablePointer<Int> { memory[plan.cursors] }
  private var nexts: UnsafeMutablePointer<Int> { memory[plan.cursors] + plan.maps.count }

  /// Computes the output rows of a slot, for every image.
  func run(slot: Int) {
    let rows = plan.rows(ofSlot: slot)
    guard !rows.isEmpty else { return }
    clearPadding()
    for image in 0..<plan.batch {
      begin(at: rows.lowerBound)
      for start in stride(from: rows.lowerBound, to: rows.upperBound, by: plan.band) {
        let band = start..<min(start + plan.band, rows.upperBound)
        if !plan.maps.isEmpty { require(map: plan.maps.count - 1, rowsBefore: band.upperBound, image: image) }
        leave(band, image: image)
      }
    }
  }

  /// The stages write the inner columns only, so the zeros around them are written once.
  private func clearPadding() {
    memory[plan.zeros].update(repeating: 0, count: plan.zeros.count)
    for map in plan.maps where map.columns > map.width {
      let base = memory[map.region]
      for row in 0..<map.capacity {
        let start = base + row * map.rowCount
        start.update(repeating: 0, count: map.before * map.pitch)
        let end = min(map.columns, map.before + map.width)
        (start + end * map.pitch).update(repeating: 0, count: (map.columns - end) * map.pitch)
      }
    }
  }

  /// Empties the rings: each map begins at the first row that output rows from `row` on need.
  private func begin(at row: Int) {
    var row = row
    for index in plan.maps.indices.reversed() {
      origins[index] = row
      nexts[index] = row
      if index > 0 {
        row = plan.stages[index - 1].inputStart(for: row, height: plan.maps[index - 1].height)
      }
    }
  }

  /// Row y of a map, its padding in front; zeros where the row is outside the map or not yet computed.
  func row(_ y: Int, of index: Int) -> UnsafeMutablePointer<Float> {
    guard y >= 0, y < nexts[index] else { return memory[plan.zeros] }
    return slot(y, of: index)
  }

  /// Where row y of a map lies, whether it is computed or not.
  func slot(_ y: Int, of index: Int) -> UnsafeMutablePointer<Float> {
    let map = plan.maps[index]
    return memory[map.region] + (y - origins[index]) % map.capacity * map.rowCount
  }

  /// Computes the rows of a map that are still missing before `end`, and what they need first.
  private func require(map index: Int, rowsBefore end: Int, image: Int) {
    guard nexts[index] < end else { return }
    let rows = nexts[index]..<end
    if index == 0 {
      enter(rows, image: image)
    } else {
      let stage = plan.stages[index - 1]
      require(
        map: index - 1, rowsBefore: stage.inputEnd(for: end, height: plan.maps[index - 1].height),
        image: image)
      switch stage.algorithm {
      case .direct: direct(stage: index - 1, rows)
      case .depthwise: depthwise(stage: index - 1, rows)
      case .winograd(let tile): winograd(stage: index - 1, rows, tile: tile)
      }
    }
    nexts[index] = end
  }
}
