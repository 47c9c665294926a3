import LinearAlgebra
import Tensors

/// Stage after stage, each as im2col and products of matrices: by the kernels of our own for Float over more than two spatial
/// axes, by CBLAS for Double and where the options ask, which the kernels of our own are compared with. For CBLAS a pointwise
/// stage reads channel-first maps as they lie. Threads of our own pool share each stage, BLAS itself on one thread: see `GEMMStage.Split`.
final class GEMMConvolution<Element: LapackScalar>: Sendable {
  let stages: [GEMMStage]
  let ends: MapEnds
  let weights: GEMMWeights<Element>
  /// The threads that a run takes: no more than the largest stage can be split among.
  let threadCount: Int
  let layout: WorkspaceLayout
  private let whole: WorkspaceRegion<UInt8>
  /// The column matrix of each thread's share of a stage.
  private let columns: WorkspacePieces<Element>
  /// The channel-first maps behind the stages of one image, two in turn.
  private let maps: [WorkspaceRegion<Element>]

  convenience init(
    _ geometries: [ConvolutionGeometry], ends: MapEnds, weights: GEMMWeights<Element>, threads: Int
  ) {
    func stages(_ threads: Int) -> [GEMMStage] {
      geometries.enumerated().map { index, geometry in
        // The kernels of our own read whole vectors, which the maps need not end with.
        GEMMStage(
          geometry, threads: threads,
          readsInPlace: weights.kernels == nil && !(index == 0 && ends.input.isChannelLast))
      }
    }
    let wanted = max(1, min(threads, mostThreads))
    let threads = min(wanted, stages(wanted).map(\.units).max() ?? 1)
    self.init(stages(threads), ends: ends, weights: weights, threads: threads, redZone: 0)
  }

  /// The same, with the regions of the workspace `redZone` bytes apart.
  convenience init(_ other: GEMMConvolution, redZone: Int) {
    self.init(
      other.stages, ends: other.ends, weights: other.weights, threads: other.threadCount, redZone: redZone)
  }

  private init(
    _ stages: [GEMMStage], ends: MapEnds, weights: GEMMWeights<Element>, threads: Int, redZone: Int
  ) {
    (self.stages, self.ends, self.weights, threadCount) = (stages, ends, weights, threads)
    var layout = WorkspaceLayout(redZone: redZone)
    columns = layout.reserve(
      Element.self, parts: threads,
      count: stages.map { weights.kernels?.columnCount($0.geometry) ?? $0.columnCount }.max() ?? 0)
    // A channel-last output is turned behind the last stage.
    let between = stages.dropLast(ends.output.isChannelLast ? 0 : 1).map {
      $0.geometry.outputChannels * $0.geometry.outputPositions
    }
    maps = (0..<min(2, between.count)).map { _ in layout.reserve(Element.self, count: between.max() ?? 0) }
    var outer = WorkspaceLayout()
    whole = outer.reserve(layout, copies: 1)
    self.layout = outer
  }

  /// Runs every image through all stages; returns the number of threads that did.
  ///
  /// The BLAS's thread count, which is global to the process, is 1 meanwhile, and put back.
  func run(
    input: UnsafePointer<Element>, residual: UnsafePointer<Element>?, output: UnsafeMutablePointer<Element>,
    workspace: borrowing Workspace
  ) -> Int {
    let run = SharedRun(
      input: input, residual: residual.map { UnsafeRawPointer($0) }, output: output,
      memory: UnsafeMutableRawPointer(workspace.pointer(to: whole)))
    guard weights.kernels == nil else { return share(run, parts: threadCount, together: true) }
    return BLASLibrary.withThreads(1) { share(run, parts: threadCount, together: true) }
  }
}

extension GEMMConvolution: SharedRunner {
  /// One thread's share of every stage.
  func run(_ run: SharedRun, _ thread: ThreadShare) {
    let memory = SlotMemory(base: run.memory)
    for image in 0..<stages[0].geometry.batch {
      var source = StridedMaps(
        base: run.input.assumingMemoryBound(to: Element.self) + image * ends.input.image,
        channel: ends.input.channel, position: ends.input.position)
      let output = run.output.assumingMemoryBound(to: Element.self) + image * ends.output.image
      let residual = run.residual.map { $0.assumingMemoryBound(to: Element.self) + image * ends.output.image }
      for (index, stage) in stages.enumerated() {
        let isLast = index == stages.count - 1
        let inPlace = isLast && !ends.output.isChannelLast
        let row = inPlace ? ends.output.channel : stage.geometry.outputPositions
        let target = inPlace ? output : memory[maps[index % maps.count]]
        // A thread that runs alone takes one share after the other: there is room for the columns of one.
        for part in thread.parts == threadCount ? thread.part..<(thread.part + 1) : 0..<threadCount {
          self.run(
            stage: index, part: part, source: source, residual: isLast ? residual : nil, target: target,
            row: row, columns: memory[columns, part])
        }
        thread.meet()
        source = StridedMaps(base: UnsafePointer(target), channel: row, position: 1)
      }
      if ends.output.isChannelLast { turn(source.base, output, thread) }
    }
  }

  /// Writes channel-first maps as a channel-last output.
  private func turn(
    _ source: UnsafePointer<Element>, _ output: UnsafeMutablePointer<Element>, _ thread: ThreadShare
  ) {
    let last = stages[stages.count - 1].geometry
    let (positions, step) = (last.outputPositions, ends.output.position)
    for p in thread.share(positions, group: 1) {
      for c in 0..<last.outputChannels { output[p * step + c] = source[c * positions + p] }
    }
    // The maps are the next image's.
    thread.meet()
  }

  private func run(
    stage index: Int, part: Int, source: StridedMaps<Element>, residual: UnsafePointer<Element>?,
    target: UnsafeMutablePointer<Element>, row: Int, columns: UnsafeMutablePointer<Element>
  ) {
    let (stage, share) = (stages[index].geometry, stages[index].share(part))
    let (m, groupInputs) = (stage.outputChannels / stage.groups, stage.inputChannels / stage.groups)
    let k = groupInputs * stage.kernel.reduce(1, *)
    guard !share.channels.isEmpty, !share.positions.isEmpty else { return }
    if let kernels = weights.kernels {
      // The elements are Floats where there are such kernels.
      let memory = MapsShare(
        source: UnsafeRawPointer(source.base).assumingMemoryBound(to: Float.self), channel: source.channel,
        position: source.position,
        residual: residual.map { UnsafeRawPointer($0).assumingMemoryBound(to: Float.self) },
        residualStep: (ends.output.channel, ends.output.position),
        target: UnsafeMutableRawPointer(target).assumingMemoryBound(to: Float.self), row: row,
        columns: UnsafeMutableRawPointer(columns).assumingMemoryBound(to: Float.self))
      kernels.run(stage: index, stage, memory, groups: share.groups, rows: share.outerRows)
      return
    }
    weights.transposed[index].withSpan { weights in
      weights.withUnsafeBufferPointer { weights in
        guard let weights = weights.baseAddress else { return }
        for group in share.groups {
          let first = group * m + share.channels.lowerBound
          let c = target + first * row + share.positions.lowerBound
          let begun = begin(
            stage: index, c, row, channels: first..<(first + share.channels.count), share.positions, residual)
          let maps = source.base + group * groupInputs * source.channel
          var (b, ldb) = (maps + share.positions.lowerBound, source.channel)
          if !stages[index].readsInPlace {
            Im2Col(geometry: stage, channel: source.channel, position: source.position).columns(
              channels: groupInputs, outerRows: share.outerRows, source: maps, target: columns)
            (b, ldb) = (UnsafePointer(columns), share.positions.count)
          }
          gemm(
            transposeA: true, m: share.channels.count, n: share.positions.count, k: k,
            a: weights + group * m * k + share.channels.lowerBound, lda: m, b: b, ldb: ldb,
            beta: begun ? 1 : 0, c: c, ldc: row)
          activate(stage: index, c, row, channels: first..<(first + share.channels.count), share.positions)
        }
      }
    }
  }

  /// Puts bias and residual where the GEMM adds to them; the residual may lie there already. False where there is neither.
  private func begin(
    stage index: Int, _ c: UnsafeMutablePointer<Element>, _ row: Int, channels: Range<Int>,
    _ positions: Range<Int>, _ residual: UnsafePointer<Element>?
  ) -> Bool {
    let bias = weights.biases[index]
    guard bias != nil || residual != nil else { return false }
    for (t, channel) in channels.enumerated() {
      let term = bias?.withSpan { $0[channel] } ?? 0
      let target = c + t * row
      guard let residual else {
        target.update(repeating: term, count: positions.count)
        continue
      }
      let (step, from) = (ends.output.position, residual + channel * ends.output.channel)
      for (i, p) in positions.enumerated() { target[i] = from[p * step] + term }
    }
    return true
  }

  private func activate(
    stage index: Int, _ c: UnsafeMutablePointer<Element>, _ row: Int, channels: Range<Int>,
    _ positions: Range<Int>
  ) {
    let activation = weights.activations[index]
    guard activation != .none else { return }
    for (t, channel) in channels.enumerated() {
      activation.apply(to: c + t * row, count: positions.count, channel: channel)
    }
  }
}

/// Maps to read: where the first element lies, and how far neighbouring channels and positions are apart.
private struct StridedMaps<Element> {
  let base: UnsafePointer<Element>
  let channel: Int
  let position: Int
}
