import Tensors

extension BandedDesign {
  /// The designs worth a look, each with an estimate of its cycles.
  static func candidates(
    _ planes: [PlaneGeometry], images: Int, machine: Machine, ends: MapEnds, options: ConvolutionOptions
  ) -> [(design: BandedDesign, cycles: Double)] {
    func design(_ choice: Choice, band: Int, slots: Int = 1, parts: Int = 1) -> BandedDesign {
      BandedDesign(
        planes: planes, images: images, machine: machine, ends: ends, options: options, form: choice.form,
        stacks: choice.stacks, band: band, slots: slots, parts: parts)
    }
    let threads = max(1, min(options.threads, mostThreads))
    var designs: [BandedDesign] = []
    let unstacked = design(Choice(form: nil, stacks: false), band: 1)
    for choice in choices(unstacked, ends: ends, options: options) {
      let plain = design(choice, band: 1)
      let tile = plain.rowsTogether
      let slots = min(threads, plain.images * ((plain.last.outputHeight + tile - 1) / tile))
      for band in plain.bands(tile: tile, slots: slots, options: options) {
        designs.append(design(choice, band: band, slots: slots))
      }
      // Strips have no columns to share.
      guard threads > 1, !plain.isSinglePointwise || plain.exitPanel != nil else { continue }
      for band in plain.bands(tile: tile, slots: 1, options: options) {
        designs.append(design(choice, band: band, parts: threads))
      }
    }
    return designs.map { ($0, $0.cycles * handicap($0.form)) }
  }

  /// What results depend on, to the bit.
  private struct Choice {
    /// The form of the last stage between entry and exit.
    let form: WinogradForm?
    let stacks: Bool
  }

  /// The choices worth a look: for several threads, where nothing is measured, the one that a single thread takes, so that no
  /// result depends on the threads.
  private static func choices(
    _ plain: BandedDesign, ends: MapEnds, options: ConvolutionOptions
  ) -> [Choice] {
    guard let core = plain.core.last else { return [Choice(form: nil, stacks: false)] }
    let ways = ImageStack.serves(plain.planes, images: plain.images) ? [false, true] : [false]
    let choices = plain.planes[core].winogradForms(options.winograd).flatMap { form in
      ways.map { Choice(form: form, stacks: $0) }
    }
    guard choices.count > 1, options.threads > 1, options.tuning == .model else { return choices }
    var alone = options
    alone.threads = 1
    let single = candidates(
      plain.planes, images: plain.images, machine: plain.machine, ends: ends, options: alone)
    return best(single).map { [Choice(form: $0.form, stacks: $0.stack != nil)] } ?? choices
  }

  /// The design that the cost model takes for the fastest, with the least memory among its equals.
  static func best(_ candidates: [(design: BandedDesign, cycles: Double)]) -> BandedDesign? {
    let least = candidates.map(\.cycles).min() ?? 0
    return candidates.filter { $0.cycles <= $0.design.tolerance * least }.map(\.design).min {
      $0.bandBytes * $0.slots < $1.bandBytes * $1.slots
    }
  }

  /// How much more than the least cycles makes no difference.
  ///
  /// In a network 1 %: what a taller band saves is the cost of beginning one, which is soon less than that, however large this
  /// machine's caches are. Lower bands than that would read many weights again and again. By itself a plan's estimate does not
  /// count what the second cache holds of maps that are no tiles of Winograd's: 2 to 6 % for lower bands there. Nor does it count all
  /// of reading weights for few of Winograd's tiles: with less than two of the products' tiles, lower bands were up to 20 % slower
  /// (512 channels of 14 x 14, on 2 MiB of second cache), with more 0 to 8 % faster.
  private var tolerance: Double {
    switch weights {
    case .cold: 1.01
    case .warm: form == nil || hasTilesEnough ? 1.005 : 1
    }
  }

  /// Whether the tiles of a band are at least two of the tallest that the products have.
  private var hasTilesEnough: Bool {
    core.last.map { pixelsTogether($0) >= 2 * machine.mostPixels[2] } ?? true
  }

  /// How much faster a form has to be to be taken.
  ///
  /// F(5x5, 3x3) has about twice the error of F(4x4, 3x3), some 1e-6 of the largest output in a network. The estimates of the two
  /// beside each other are right within some 3 %, so that less than 2 % says nothing (measured on 18 layers of a Zen 5: from 2 %
  /// on F(5x5) was faster by 3 to 23 %, below that slower but in one).
  static func handicap(_ form: WinogradForm?) -> Double {
    form?.tile == 5 && form?.kernel == 3 ? 1.02 : 1
  }

  /// The estimated times of the algorithms other than the design's, each at its best, beside the design's.
  static func alternatives(
    to design: BandedDesign, _ candidates: [(design: BandedDesign, cycles: Double)]
  ) -> [(name: String, ratio: Double)] {
    let own = design.cycles
    let others = Dictionary(grouping: candidates.filter { $0.design.form != design.form }) { $0.design.form }
    return others.map { form, designs in
      (form?.name ?? "by the definition", (designs.map(\.cycles).min() ?? own) / own)
    }.sorted { $0.ratio < $1.ratio }
  }

  /// The heights of a band worth a look: those that share out the rows of a slot evenly.
  private func bands(tile: Int, slots: Int, options: ConvolutionOptions) -> [Int] {
    let tiles = (last.outputHeight + tile - 1) / tile
    let height = min(last.outputHeight, (images * tiles + slots - 1) / slots * tile)
    if let band = options.band { return [roundUp(max(1, min(band, height)), to: tile)] }
    return Set((1...height).map { roundUp((height + $0 - 1) / $0, to: tile) }).sorted()
  }

  /// An estimate of the cycles that the slowest thread takes, by image.
  var cycles: Double {
    let bandsOfSlot = bandsOfSlot
    var total = 0.0
    var rows = rowsOfSlot
    for index in planes.indices.reversed() {
      let plane = planes[index]
      total += stageCycles(index, rows: min(rows, plane.outputHeight), bands: bandsOfSlot)
      rows = plane.rowsRead(by: 0..<rows).count
    }
    // What spills out of the caches is written and read again at the speed of memory.
    let spilling = Double(bandBytes * slots) / (Double(machine.sharedBytes) / 8) - 1
    total += Double(bandBytes * bandsOfSlot) / 12 * min(1, max(0, spilling))
    // What spills out of the last one is fetched to be written, written, and read again, at some 6 bytes a cycle.
    let leaving = Double(bandBytes * slots) / (Double(machine.sharedBytes) / 2) - 1
    total += Double(bandBytes * bandsOfSlot) / 2 * min(1, max(0, leaving))
    // Threads that share columns read mostly what another one wrote: some 12 bytes a cycle from its cache.
    if parts > 1 { total += Double(bandBytes * bandsOfSlot) * (1 - 1 / Double(parts)) / 12 }
    // A band starts with calls and pointers; threads in common meet at barriers.
    total += Double(bandsOfSlot) * (parts > 1 ? 12_000 : 3_000)
    return total * imagesOfSlot / Double(images * (stack?.images ?? 1))
  }

  private var bandsOfSlot: Int { (rowsOfSlot + band - 1) / band }

  /// An estimate of the cycles that one stage takes for all bands of a slot.
  func cycles(ofStage index: Int) -> Double {
    let rows = planes[(index + 1)...].reversed().reduce(rowsOfSlot) { $1.rowsRead(by: 0..<$0).count }
    return stageCycles(index, rows: min(rows, planes[index].outputHeight), bands: bandsOfSlot)
  }

  private func stageCycles(_ index: Int, rows: Int, bands: Int) -> Double {
    let plane = planes[index]
    let taps = Double(plane.kernel.height * plane.kernel.width)
    let blocks = blocks[index]
    let (inputs, outputs) = (machine.vectors(plane.inputChannels), machine.vectors(blocks.outputs))
    let positions = Double(rows * plane.outputWidth)
    if plane.isDepthwise { return positions * Double(inputs) * (taps / 2 + 2) / Double(parts) }
    let panel = panel(index)
    // The panels of a thread, as whole blocks or as part of one.
    let panels = (outputs + panel - 1) / panel
    let ownPanels = (blocks.count * panels + parts - 1) / parts
    let share = min(outputs, ownPanels * panel)
    let ownBlocks = Double(max(1, ownPanels / panels))
    var weights = ownBlocks * taps * Double(blocks.inputs * share * machine.width * 4)
    var cycles = 0.0
    var transforms = 0.0
    // How many times all the weights come by.
    var readings = 0
    if core.contains(index), case .winograd(let form) = algorithm(index) {
      let points = Double(form.points)
      let band = bandRows(index)
      for (count, height) in [(rows / band, band), (1, rows % band)] where height > 0 && count > 0 {
        let tiles = stage(index).grid(form, rows: height).count
        let together = tilesTogether(index, form, of: tiles)
        let segments = (tiles + together - 1) / together
        readings += count * segments
        // Each tile of a product is loaded and stored once: some tens of cycles.
        cycles +=
          points * Double(count)
          * (Double(segments) * machine.cycles(pixels: together, vectors: share, panel: panel)
            * Double(plane.inputChannels)
            + Double(tiles * share) * 1.5)
        // Along one axis there is one pass of sums for each number, where two axes have two; what the second cache does not
        // hold goes to the third and back.
        let tileBytes = Double(together * form.points * (plane.inputChannels + plane.outputChannels) * 4)
        let far = tileBytes > Double(machine.privateBytes) ? 1.7 : 1
        let passes = (form.axes == .both ? 1 : 0.6) * far * 2 / machine.multiplyRate
        transforms +=
          Double(count * tiles) * points * passes * (3.5 * Double(inputs) + 2.5 * Double(outputs))
          / Double(parts)
      }
      if madeTogether(index) == nil {
        weights *= points / taps
      } else {
        // Gathered once, then for each row of points three sums, as many more as it has points, and their loads and stores.
        let rows = Double(form.sides.height), columns = Double(form.sides.width)
        transforms += Double(bands * plane.inputChannels * share) * (60 + rows * (10 + 3 * columns))
      }
    } else {
      readings = bands
      cycles =
        ownBlocks * Double(rows) * taps * Double(blocks.inputs)
        * machine.cycles(pixels: plane.outputWidth, vectors: share, panel: panel)
      transforms = ownBlocks * positions * Double(share) * 1.5
    }
    let memory = weightCycles(weights, readings: readings)
    let far = weights * Double(parts) > Double(nearBytes)
    return max(cycles, memory) + transforms + (far ? weights * Double(readings) / 12 : 0)
  }

  /// The cycles of bringing so many bytes of weights from a cache behind the multiplies.
  private func weightCycles(_ bytes: Double, readings: Int) -> Double {
    switch weights {
    case .warm:
      // What does not stay in the second cache comes from the third one.
      return bytes > Double(machine.privateBytes) / 2 ? bytes * Double(readings) / 22 : 0
    case .cold:
      // The other layers' weights fill the second cache: each band's, or the first one's where they stay there for the others,
      // come from the third, at some 9 bytes a cycle. Those that do not stay there come from memory before them.
      let comings = bytes > 0.75 * Double(machine.privateBytes) ? Double(readings) : 1 / imagesOfSlot
      return bytes * comings / 9
    }
  }

  /// About the bytes of what one band reads and writes between input and output.
  var bandBytes: Int {
    var (bytes, rows) = (0, band)
    for index in planes.indices.reversed() {
      let plane = planes[index]
      if core.contains(index), case .winograd(let form) = algorithm(index) {
        let outputs = madeTogether(index).map { $0 * machine.width } ?? plane.outputChannels
        bytes += pixelsTogether(index) * form.points * (plane.inputChannels + outputs) * 4
      }
      rows = plane.rowsRead(by: 0..<rows).count
      bytes += rows * plane.inputWidth * plane.inputChannels * 4
    }
    return bytes
  }
}
