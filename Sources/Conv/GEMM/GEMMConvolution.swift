import LinearAlgebra
import Tensors

/// Stage after stage, each as im2col and CBLAS GEMMs; a pointwise stage reads its input as it lies.
///
/// The path for every spatial order, grouping and precision, and the CBLAS backend that the kernels of our own are
/// compared with. Threads of our own pool share each stage, BLAS itself on one thread: see `GEMMStage.Split`.
final class GEMMConvolution<Element: LapackScalar>: Sendable {
  let stages: [GEMMStage]
  /// [groups, S / groups D..., T / groups] for each stage: transposed, because OpenBLAS allocates in small products of two
  /// matrices as they lie (0.3.21, on AVX-512), and in no other.
  let weights: [Tensor<Element>]
  let bias: Tensor<Element>?
  let epilogue: Epilogue<Element>
  /// The threads that a run takes: no more than the largest stage can be split among.
  let threadCount: Int
  let layout: WorkspaceLayout
  private let whole: WorkspaceRegion<UInt8>
  /// The column matrix of each thread's share of a stage.
  private let columns: WorkspacePieces<Element>
  /// The maps between the stages of one image, two in turn.
  private let maps: [WorkspaceRegion<Element>]

  /// **Shapes** `weights` of each stage's kernel shape, `bias` [T].
  convenience init(
    stages: [ConvolutionGeometry], weights: [Tensor<Element>], bias: Tensor<Element>?, activation: Activation,
    threads: Int
  ) {
    let transposed = zip(stages, weights).map { stage, weight in
      let outputs = stage.outputChannels / stage.groups
      return weight.reshaped([stage.groups, outputs, weight.count / stage.outputChannels]).permuted([0, 2, 1])
    }
    let wanted = max(1, min(threads, mostThreads))
    let units = stages.map { GEMMStage($0, threads: wanted).units }
    let threads = min(wanted, units.max() ?? 1)
    self.init(
      stages: stages.map { GEMMStage($0, threads: threads) }, transposed: transposed, bias: bias,
      epilogue: Epilogue(activation), threads: threads, redZone: 0)
  }

  /// The same, with the regions of the workspace `redZone` bytes apart.
  convenience init(_ other: GEMMConvolution, redZone: Int) {
    self.init(
      stages: other.stages, transposed: other.weights, bias: other.bias, epilogue: other.epilogue,
      threads: other.threadCount, redZone: redZone)
  }

  private init(
    stages: [GEMMStage], transposed: [Tensor<Element>], bias: Tensor<Element>?, epilogue: Epilogue<Element>,
    threads: Int, redZone: Int
  ) {
    (self.stages, weights, self.bias, self.epilogue) = (stages, transposed, bias, epilogue)
    threadCount = threads
    var layout = WorkspaceLayout(redZone: redZone)
    columns = layout.reserve(
      Element.self, parts: threads, count: stages.map { $0.columnCount }.max() ?? 0)
    let between = stages.dropLast().map { $0.geometry.outputChannels * $0.geometry.outputPositions }
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
    return BLASLibrary.withThreads(1) { share(run, parts: threadCount, together: true) }
  }
}

extension GEMMConvolution: SharedRunner {
  /// One thread's share of every stage.
  func run(_ run: SharedRun, _ thread: ThreadShare) {
    let (first, last) = (stages[0].geometry, stages[stages.count - 1].geometry)
    let memory = SlotMemory(base: run.memory)
    let outputs = last.outputChannels * last.outputPositions
    for image in 0..<first.batch {
      var source =
        run.input.assumingMemoryBound(to: Element.self) + image * first.inputChannels * first.inputPositions
      let result = run.output.assumingMemoryBound(to: Element.self) + image * outputs
      for index in stages.indices {
        let target = index == stages.count - 1 ? result : memory[maps[index % maps.count]]
        // A thread that runs alone takes one share after the other: there is room for the columns of one.
        for part in thread.parts == threadCount ? thread.part..<(thread.part + 1) : 0..<threadCount {
          self.run(stage: index, part: part, source: source, target: target, columns: memory[columns, part])
        }
        thread.meet()
        source = UnsafePointer(target)
      }
      let own = thread.share(outputs, group: 16)
      epilogue.finish(
        result + own.lowerBound,
        adding: run.residual.map {
          $0.assumingMemoryBound(to: Element.self) + image * outputs + own.lowerBound
        }, count: own.count)
    }
  }

  private func run(
    stage index: Int, part: Int, source: UnsafePointer<Element>, target: UnsafeMutablePointer<Element>,
    columns: UnsafeMutablePointer<Element>
  ) {
    let (stage, share) = (stages[index].geometry, stages[index].share(part))
    let (m, n) = (stage.outputChannels / stage.groups, stage.outputPositions)
    let groupInputs = stage.inputChannels / stage.groups
    let k = groupInputs * stage.kernel.reduce(1, *)
    guard !share.channels.isEmpty, !share.positions.isEmpty else { return }
    let bias = index == stages.count - 1 ? bias : nil
    weights[index].withSpan { weights in
      weights.withUnsafeBufferPointer { weights in
        guard let weights = weights.baseAddress else { return }
        for group in share.groups {
          let first = group * m + share.channels.lowerBound
          let c = target + first * n + share.positions.lowerBound
          // The GEMM adds to what is there.
          bias?.withSpan { bias in
            for t in 0..<share.channels.count {
              (c + t * n).update(repeating: bias[first + t], count: share.positions.count)
            }
          }
          var (b, ldb) = (source + group * groupInputs * stage.inputPositions + share.positions.lowerBound, n)
          if !stage.isPointwise {
            Im2Col(geometry: stage).columns(
              channels: groupInputs, outerRows: share.outerRows,
              source: source + group * groupInputs * stage.inputPositions, target: columns)
            (b, ldb) = (UnsafePointer(columns), share.positions.count)
          }
          gemm(
            transposeA: true, m: share.channels.count, n: share.positions.count, k: k,
            a: weights + group * m * k + share.channels.lowerBound, lda: m, b: b, ldb: ldb,
            beta: bias == nil ? 0 : 1, c: c, ldc: n)
        }
      }
    }
  }
}
