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
  /// The image that is computed, where they are not stacked.
  private(set) var image = 0

  var part: Int { thread.part }

  private var origins: UnsafeMutablePointer<Int> { memory[plan.body.cursors, part] }
  private var nexts: UnsafeMutablePointer<Int> { origins + plan.body.maps.count }

  /// Computes the output rows of a slot, for every image.
  func run(slot: Int) {
    if part == 0 { clearPadding() }
    for image in 0..<plan.design.images {
      var run = self
      run.image = image
      run.compute(plan.design.rows(ofSlot: slot, image: image))
    }
  }

  private func compute(_ rows: Range<Int>) {
    guard !rows.isEmpty else { return }
    let (height, maps) = (plan.design.band, plan.body.maps.count)
    begin(at: rows.lowerBound)
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: height) {
      let band = start..<min(start + height, rows.upperBound)
      meet()
      if maps > 0 { require(map: maps - 1, band) }
      if !writesOutput { forEachImage(of: band, leave) }
    }
  }

  /// Whether the last stage writes the output itself.
  private var writesOutput: Bool { plan.body.writesOutput && residual == nil }

  /// Gives those of some rows that belong to images, image by image.
  private func forEachImage(of rows: Range<Int>, _ body: (Range<Int>) -> Void) {
    if let stack = plan.design.stack { stack.forEachImage(of: rows, body) } else { body(rows) }
  }

  /// What a stage does to its sums: where a residual is added, the last stage leaves its activation to the exit.
  func epilogue(of stage: Int) -> UnsafePointer<lowrank_epilogue>? {
    let own = plan.epilogues[stage]
    return residual != nil && stage == plan.design.planes.count - 1 ? own.biasAlone : own.whole
  }

  /// The element of the input that rows from `row` on begin at.
  func inputOffset(row: Int) -> Int {
    let (strides, place) = (plan.design.ends.input, place(of: row))
    return place.image * strides.image + place.row * plan.design.planes[0].inputWidth * strides.position
  }

  /// The element of the output, or of the residual that lies as it does, that rows from `row` on begin at.
  func outputOffset(row: Int) -> Int {
    let (strides, place) = (plan.design.ends.output, place(of: row))
    return place.image * strides.image + place.row * plan.design.last.outputWidth * strides.position
  }

  /// The image that a row of the input or the output is in, and its number there.
  private func place(of row: Int) -> (image: Int, row: Int) {
    plan.design.stack?.place(of: row) ?? (image, row)
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

  /// Row y of a map, its padding in front, as it is read for an output row: zeros where the row is outside the map, of another
  /// image, or not yet computed.
  func row(_ y: Int, of index: Int, for output: Int) -> UnsafeMutablePointer<Float> {
    guard y >= 0, y < nexts[index], plan.design.stack?.shares(y, with: output) ?? true else {
      return memory[plan.body.zeros]
    }
    return slot(y, of: index)
  }

  private func isBetweenImages(_ y: Int) -> Bool { plan.design.stack?.isBetween(y) ?? false }

  /// Where row y of a map lies, whether it is computed or not: in its ring, or the last map's in the output.
  func slot(_ y: Int, of index: Int) -> UnsafeMutablePointer<Float> {
    let map = plan.body.maps[index]
    if writesOutput, index == plan.body.maps.count - 1 {
      return isBetweenImages(y) ? memory[plan.body.overhang] : output + outputOffset(row: y)
    }
    return memory[map.region] + (y - origins[index]) % map.capacity * map.rowCount
  }

  /// Computes those of the needed rows of a map that are still missing, and what they need first.
  ///
  /// The rows between these and the last ones, which a stride larger than the kernel leaves unread, are skipped: the ring
  /// and the lists of pointers have no room for them.
  private func require(map index: Int, _ needed: Range<Int>) {
    let rows = min(max(nexts[index], needed.lowerBound), needed.upperBound)..<needed.upperBound
    guard !rows.isEmpty else { return }
    if index == 0 {
      forEachImage(of: rows, enter)
    } else {
      let stage = plan.body.stages[index - 1]
      require(map: index - 1, stage.inputRows(for: rows))
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
