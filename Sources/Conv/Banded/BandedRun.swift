internal import CKernels
import Tensors

/// One thread's part of a banded run.
struct BandedRun {
  let plan: BandedConvolution
  let input: UnsafePointer<Float>
  let residual: UnsafePointer<Float>?
  let output: UnsafeMutablePointer<Float>
  let memory: SlotMemory
  /// Which of the threads of the slot this is.
  let thread: ThreadShare

  var part: Int { thread.part }

  private var origins: UnsafeMutablePointer<Int> { memory[plan.body.cursors, part] }
  private var nexts: UnsafeMutablePointer<Int> { origins + plan.body.maps.count }

  /// Computes the output rows of a slot, for every image.
  func run(slot: Int) {
    let (height, maps) = (plan.design.band, plan.body.maps.count)
    if part == 0 { clearPadding() }
    for image in 0..<plan.design.images {
      let rows = plan.design.rows(ofSlot: slot, image: image)
      guard !rows.isEmpty else { continue }
      begin(at: rows.lowerBound)
      for start in stride(from: rows.lowerBound, to: rows.upperBound, by: height) {
        let band = start..<min(start + height, rows.upperBound)
        meet()
        if maps > 0 { require(map: maps - 1, band, image: image) }
        leave(band, image: image)
      }
    }
  }

  /// What a stage does to its sums: where a residual is added, the last stage leaves its activation to the exit.
  func epilogue(of stage: Int) -> UnsafePointer<lowrank_epilogue>? {
    let own = plan.epilogues[stage]
    return residual != nil && stage == plan.design.planes.count - 1 ? own.biasAlone : own.whole
  }

  /// Waits for the other threads of the slot.
  func meet() { thread.meet() }

  /// This thread's share of `count` things in groups of `group`.
  func share(_ count: Int, group: Int) -> Range<Int> { thread.share(count, group: group) }

  /// The stages write the inner columns only, so the zeros around them are written once.
  private func clearPadding() {
    memory[plan.body.zeros].update(repeating: 0, count: plan.body.zeros.count)
    for map in plan.body.maps where map.columns > map.width {
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
    for index in plan.body.maps.indices.reversed() {
      origins[index] = row
      nexts[index] = row
      if index > 0 { row = plan.body.stages[index - 1].inputRows(for: row..<(row + 1)).lowerBound }
    }
  }

  /// Row y of a map, its padding in front; zeros where the row is outside the map or not yet computed.
  func row(_ y: Int, of index: Int) -> UnsafeMutablePointer<Float> {
    guard y >= 0, y < nexts[index] else { return memory[plan.body.zeros] }
    return slot(y, of: index)
  }

  /// Where row y of a map lies, whether it is computed or not.
  func slot(_ y: Int, of index: Int) -> UnsafeMutablePointer<Float> {
    let map = plan.body.maps[index]
    return memory[map.region] + (y - origins[index]) % map.capacity * map.rowCount
  }

  /// Computes those of the needed rows of a map that are still missing, and what they need first.
  ///
  /// The rows between these and the last ones, which a stride larger than the kernel leaves unread, are skipped: the ring
  /// and the lists of pointers have no room for them.
  private func require(map index: Int, _ needed: Range<Int>, image: Int) {
    let rows = min(max(nexts[index], needed.lowerBound), needed.upperBound)..<needed.upperBound
    guard !rows.isEmpty else { return }
    if index == 0 {
      enter(rows, image: image)
    } else {
      let stage = plan.body.stages[index - 1]
      require(map: index - 1, stage.inputRows(for: rows), image: image)
      switch stage.algorithm {
      case .direct: direct(stage: index - 1, rows)
      case .depthwise: depthwise(stage: index - 1, rows)
      case .winograd(let form): winograd(stage: index - 1, rows, form)
      }
    }
    nexts[index] = rows.upperBound
    meet()
  }
}
