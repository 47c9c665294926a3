import Tensors

/// The choices of a banded plan: which stage is entry, which exit, the algorithms, the height of a band, and how threads
/// share the work.
struct BandedDesign: Sendable {
  private(set) var planes: [PlaneGeometry]
  /// The images of a run; one where they are stacked.
  private(set) var images: Int
  /// The images of the batch as one tall image, which the planes are then of.
  private(set) var stack: ImageStack?
  let machine: Machine
  let ends: MapEnds
  /// Where a run finds its weights.
  let weights: ConvolutionOptions.WeightState
  /// The Winograd form of each stage; nil for the definition's own multiplies.
  private(set) var forms: [WinogradForm?]
  /// The blocks that the groups of each stage run in.
  let blocks: [GroupBlocks]
  /// Output rows computed together.
  private(set) var band: Int
  /// The threads that share the output rows of all images, each with maps of its own.
  private(set) var slots: Int
  /// The threads that share the columns of every stage, on maps in common; 1 where `slots` is more.
  private(set) var parts: Int
  /// Whether the first stage is the entry's, and the last the exit's.
  let entersPointwise: Bool
  let leavesPointwise: Bool

  /// A design with `form` for the last stage between entry and exit, and for those before it the fastest that the
  /// options allow; `stacks` where the images of the batch run as one tall image.
  init(
    planes: [PlaneGeometry], images: Int, machine: Machine, ends: MapEnds,
    options: ConvolutionOptions, form: WinogradForm?, stacks: Bool = false, band: Int, slots: Int = 1,
    parts: Int = 1
  ) {
    self.planes = planes
    self.images = images
    self.machine = machine
    self.ends = ends
    weights = options.weights
    self.band = band
    self.slots = slots
    self.parts = parts
    blocks = planes.map { .fastest($0, pixels: $0.outputWidth, machine: machine) }
    forms = [WinogradForm?](repeating: nil, count: planes.count)
    let last = planes.count - 1
    // Groups run as a single pointwise stage on channel-first maps; in a chain they are a stage between two maps.
    let isAlone = last == 0 && !ends.input.isChannelLast && !ends.output.isChannelLast
    let pointwise = planes.map { $0.isPointwise && ($0.groups == 1 || isAlone) }
    // A single pointwise stage may be either; what it reads and writes decides.
    let turns = !ends.input.isChannelLast && ends.output.isChannelLast
    entersPointwise = pointwise[0] && (last > 0 || turns)
    leavesPointwise = pointwise[last] && (last > 0 || !turns)
    guard let lastOfCore = core.last else { return }
    forms[lastOfCore] = form
    for index in core.dropLast().reversed() { forms[index] = fastestForm(index, options.winograd) }
    if stacks { stackImages() }
  }

  private mutating func stackImages() {
    // The depthwise kernel for squares reads the rows of several output rows at once: zeros lie between images for it.
    let gap = core.filter { stage($0).isSquare }.map { planes[$0].paddingRows }.max() ?? 0
    let stack = ImageStack(images: images, height: last.outputHeight, gap: gap, tile: rowsTogether)
    planes = planes.map { $0.stacked(stack) }
    (self.stack, images) = (stack, 1)
  }

  /// The form of a stage before the last one of the core that takes the fewest cycles.
  private func fastestForm(_ index: Int, _ winograd: ConvolutionOptions.Winograd) -> WinogradForm? {
    // Elsewhere tiles of several rows would begin at whichever row a band needs first, and results depend on bands and threads.
    let aligned = bandsAlign(at: index)
    let allowed = planes[index].winogradForms(winograd).filter { form in
      aligned || form.map { $0.tiles.height == 1 } ?? true
    }
    guard allowed.count > 1 else { return allowed.first ?? nil }
    return allowed.min { cycles(index, $0) < cycles(index, $1) } ?? nil
    func cycles(_ index: Int, _ form: WinogradForm?) -> Double {
      var design = self
      design.forms[index] = form
      // As one thread would run it on all rows, so that no result depends on the threads.
      (design.slots, design.parts, design.band) = (1, 1, last.outputHeight)
      return design.cycles(ofStage: index) * Self.handicap(form)
    }
  }

  /// Whether the rows of a stage that a band takes are the band's own: each later stage reads one row for each of its own.
  private func bandsAlign(at index: Int) -> Bool {
    planes[(index + 1)...].allSatisfy {
      $0.kernel.height == 1 && $0.stride.height == 1 && $0.inputHeight == $0.outputHeight
    }
  }

  /// The form of the last stage between entry and exit.
  var form: WinogradForm? { core.last.flatMap { forms[$0] } }

  var last: PlaneGeometry { planes[planes.count - 1] }

  /// The stages between entry and exit.
  var core: Range<Int> { (entersPointwise ? 1 : 0)..<(planes.count - (leavesPointwise ? 1 : 0)) }

  /// The output rows that belong together: those of a block of tiles, or one.
  ///
  /// One stage alone can have blocks of several rows: behind such a stage, but for the last, kernels have one row.
  var rowsTogether: Int { core.reduce(1) { max($0, stage($1).rowsTogether) } }

  /// A stage between entry and exit with its algorithm.
  func stage(_ index: Int) -> RowStage { RowStage(planes[index], algorithm(index)) }

  /// The rows of blocks of one image's output.
  private var tileRows: Int { (last.outputHeight + rowsTogether - 1) / rowsTogether }

  /// The most rows of tiles of a slot, of all images.
  private var tileRowsOfSlot: Int { (images * tileRows + slots - 1) / slots }

  /// The output rows of an image that belong to a slot: whole rows of tiles, those of all images shared out evenly.
  func rows(ofSlot slot: Int, image: Int) -> Range<Int> {
    let (tile, count, height) = (rowsTogether, images * tileRows, last.outputHeight)
    let own = (slot * count / slots - image * tileRows)..<((slot + 1) * count / slots - image * tileRows)
    let rows = own.clamped(to: 0..<tileRows)
    return min(height, rows.lowerBound * tile)..<min(height, rows.upperBound * tile)
  }

  /// The most output rows of one image that belong to a slot.
  var rowsOfSlot: Int { min(last.outputHeight, tileRowsOfSlot * rowsTogether) }

  /// How many times that the slowest slot computes.
  var imagesOfSlot: Double { Double(tileRowsOfSlot) / Double(min(tileRows, tileRowsOfSlot)) }

  /// The algorithm of a stage between entry and exit.
  func algorithm(_ index: Int) -> RowStage.Algorithm {
    if planes[index].isDepthwise { return .depthwise }
    return forms[index].map { .winograd($0) } ?? .direct
  }

  /// Whether a run transforms the Winograd weights of a stage, which would take much memory if they were kept.
  ///
  /// It depends on the layer alone, so that no result depends on bands and threads.
  func makesWeights(_ index: Int) -> Bool {
    guard weights == .cold, core.contains(index), case .winograd(let form) = algorithm(index),
      form.kernels == (3, 3)
    else {
      return false
    }
    let plane = planes[index]
    return form.points * plane.outputChannels * plane.inputChannels * 4 >= Self.leastMadeBytes
      && stage(index).grid(form, rows: plane.outputHeight).count >= Self.leastTilesOfMade
  }

  /// The vectors of columns whose Winograd weights a run transforms together; nil where they are transformed beforehand.
  func madeTogether(_ index: Int) -> Int? {
    guard makesWeights(index) else { return nil }
    let panel = panel(index)
    let most = (machine.vectors(Self.madeColumns) + panel - 1) / panel * panel
    return min(machine.vectors(planes[index].outputChannels), most)
  }

  /// The bytes of transformed weights from which on they are not kept.
  private static let leastMadeBytes = 5 << 20
  /// The tiles of an image that make the transform of weights worth it.
  private static let leastTilesOfMade = 16
  /// The columns of transformed weights at a time: for fewer the tiles are read more often, more take more memory.
  private static let madeColumns = 128

  /// Whether the rows of the last map can be those of the output: whole vectors, channel-last, nothing behind the last column.
  var writesOutput: Bool {
    guard !leavesPointwise, ends.output.isChannelLast, last.outputChannels % machine.width == 0 else {
      return false
    }
    return core.last.map { stage($0).outputColumns == last.outputWidth } ?? true
  }

  /// Whether there is no map at all: one pointwise stage, straight from the input to the output.
  var isSinglePointwise: Bool { leavesPointwise && planes.count == 1 }

  /// The pixels that one product of a stage covers: a row, or the tiles of a band.
  func pixelsTogether(_ index: Int) -> Int {
    guard core.contains(index), case .winograd(let form) = algorithm(index) else {
      return planes[index].outputWidth
    }
    return tilesTogether(index, form, of: stage(index).grid(form, rows: bandRows(index)).count)
  }

  /// The most bytes of a stage's weights that come from a cache from the second reading on.
  var nearBytes: Int { weights == .cold ? machine.sharedBytes / 6 : machine.sharedBytes * 2 / 3 }

  /// The tiles of so many that go through a stage together: all where weights are warm (the band is as high as the caches bear
  /// then), where threads share the tiles or where the weights come from afar, else what half of the second cache holds, as the
  /// weights come by between, and no fewer than two of the products' tiles.
  func tilesTogether(_ index: Int, _ form: WinogradForm, of count: Int) -> Int {
    let plane = planes[index]
    let bytes = form.points * plane.inputChannels * plane.outputChannels * 4
    guard weights == .cold, parts == 1, bytes <= nearBytes, !makesWeights(index) else { return count }
    let tile = form.points * (plane.inputChannels + plane.outputChannels) * 4
    let most = max(2 * machine.mostPixels[2], machine.privateBytes / 2 / tile)
    let segments = (count + most - 1) / most
    return (count + segments - 1) / segments
  }

  /// The output rows of a stage that a band adds to those of the band before.
  func bandRows(_ index: Int) -> Int {
    let strides = planes[(index + 1)...].reduce(1) { $0 * $1.stride.height }
    return min(band * strides, planes[index].outputHeight)
  }

  /// The panel of a stage's packed columns.
  func panel(_ index: Int) -> Int {
    // Threads share whole blocks where there are enough.
    machine.panel(
      pixels: pixelsTogether(index), vectors: machine.vectors(blocks[index].outputs),
      parts: blocks[index].count >= parts ? 1 : parts)
  }

  /// The panel of an exit on channel-last rows; nil where it is better done on maps.
  ///
  /// Maps waste the lanes behind the last pixel of a band. Either way one side of the product changes its layout: at
  /// about 14 elements a nanosecond, beside 125 multiplies. Threads that share columns always take rows.
  var exitPanel: Int? {
    guard leavesPointwise else { return nil }
    if ends.output.isChannelLast || (isSinglePointwise && ends.input.isChannelLast) {
      return panel(planes.count - 1)
    }
    guard !isSinglePointwise else { return nil }
    let pixels = (stack?.height ?? last.outputHeight) * last.outputWidth
    let waste = Double(roundUp(pixels, to: machine.width)) / Double(pixels) - 1
    let onMaps = waste + 9 / Double(last.outputChannels)
    // Small images are done in one band or two; in large ones the waste is small for any band.
    let onRows = pixels <= 1024 && onMaps > 9 / Double(last.inputChannels) + 0.02
    return onRows || parts > 1 ? panel(planes.count - 1) : nil
  }
}
