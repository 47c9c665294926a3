internal import CKernels
import Tensors

/// Stages run together, band by band of output rows, on channel-last maps that stay in the cache.
///
/// The first stage (a pointwise one, or a mere copy) turns rows of the input as it lies into channel-last rows; the stages
/// between read and write those; the last (a pointwise one, or a mere copy again) writes the output in its layout. Each map
/// between two stages is a ring of rows: those that the next band reads again are kept.
///
/// Threads share the output rows (each with maps of its own) or, in small images with many weights, the columns of every
/// stage (on maps in common, with barriers between the stages).
final class BandedConvolution: Sendable {
  let design: BandedDesign
  /// The estimated times of the other algorithms at their best, beside the design's.
  let alternatives: [(name: String, ratio: Double)]
  let body: BandedBody
  let layout: WorkspaceLayout
  /// The bias and the activation of each stage.
  let epilogues: [PackedEpilogue]
  private let workspace: WorkspaceRegion<UInt8>
  private let table: KernelTable
  /// Keeps the packed weights alive that the stages point to.
  private let weights: [PackedWeights]

  var kernelTable: UnsafePointer<lowrank_kernels> { table.pointer }
  var kernels: lowrank_kernels { _read { yield table.pointer.pointee } }

  /// The best of all candidates, by the cost model or by measuring.
  static func planned(
    _ stages: [ConvolutionGeometry], ends: MapEnds, weights: WeightStore, options: ConvolutionOptions
  ) -> BandedConvolution {
    // Images without axes are pixels of one image, whose rows are those of a product of matrices.
    let folded = stages[0].order == 0 ? ends.imagesAsPixels : nil
    let (ends, images) = (folded ?? ends, stages[0].batch)
    let planes = stages.compactMap { PlaneGeometry($0, pixels: folded == nil ? 1 : images) }
    precondition(planes.count == stages.count, "stages over more than two axes")
    let candidates = BandedDesign.candidates(
      planes, images: folded == nil ? images : 1, machine: weights.machine, ends: ends, options: options)
    func make(_ design: BandedDesign, _ weights: WeightStore) -> BandedConvolution {
      BandedConvolution(
        design, alternatives: BandedDesign.alternatives(to: design, candidates), weights)
    }
    var design = BandedDesign.best(candidates)
    if case .measured(let cache) = options.tuning {
      let trial = weights.emptied()
      design = DesignMeasurement(candidates: candidates, options: options, cache: cache).fastest {
        make($0, trial)
      }
    }
    guard let design else { preconditionFailure("no design for \(stages)") }
    return make(design, weights)
  }

  private init(
    _ design: BandedDesign, alternatives: [(name: String, ratio: Double)], _ store: WeightStore
  ) {
    self.design = design
    self.alternatives = alternatives
    table = store.table
    epilogues = store.epilogues
    weights = design.planes.enumerated().map { index, plane in
      store.packed(index, plane, as: design.packing(index))
    }
    body = BandedBody(design, weights: weights.map(\.base))
    var layout = WorkspaceLayout()
    workspace = layout.reserve(body.layout, copies: design.slots)
    self.layout = layout
  }

  /// The same, with the regions of the workspace `redZone` bytes apart.
  init(_ other: BandedConvolution, redZone: Int) {
    (design, alternatives) = (other.design, other.alternatives)
    (epilogues, table, weights) = (other.epilogues, other.table, other.weights)
    body = BandedBody(design, weights: weights.map(\.base), redZone: redZone)
    var layout = WorkspaceLayout()
    workspace = layout.reserve(body.layout, copies: design.slots)
    self.layout = layout
  }

  /// The kernel that transforms a row of tiles forward.
  func winogradInput(_ form: WinogradForm) -> (
    @convention(c) (UnsafePointer<lowrank_winograd_input>?) -> Void
  )? {
    lowrank_winograd_input_of(table.pointer, form.index)
  }

  /// The kernel that transforms a row of tiles back.
  func winogradOutput(_ form: WinogradForm) -> (
    @convention(c) (UnsafePointer<lowrank_winograd_output>?) -> Void
  )? {
    lowrank_winograd_output_of(table.pointer, form.index)
  }

  /// The threads that a run takes.
  var threadCount: Int { max(design.slots, design.parts) }

  /// Runs every image through all stages; returns the number of threads that did.
  func run(
    input: UnsafePointer<Float>, residual: UnsafePointer<Float>?, output: UnsafeMutablePointer<Float>,
    workspace: borrowing Workspace
  ) -> Int {
    let run = SharedRun(
      input: input, residual: residual.map { UnsafeRawPointer($0) }, output: output,
      memory: UnsafeMutableRawPointer(workspace.pointer(to: self.workspace)))
    return share(run, parts: threadCount, together: design.parts > 1)
  }
}

extension BandedConvolution: SharedRunner {
  /// A slot, or a part of the only slot.
  func run(_ run: SharedRun, _ thread: ThreadShare) {
    let slot = design.parts > 1 ? 0 : thread.part
    BandedRun(
      plan: self, input: run.input.assumingMemoryBound(to: Float.self),
      residual: run.residual?.assumingMemoryBound(to: Float.self),
      output: run.output.assumingMemoryBound(to: Float.self),
      memory: SlotMemory(base: run.memory + slot * body.layout.byteCount),
      thread: design.parts > 1 ? thread : .alone
    ).run(slot: slot)
  }
}
