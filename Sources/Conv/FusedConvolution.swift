internal import CKernels
import TensorCore

/// Stages run together, band by band of output rows, on channel-last maps that stay in the cache.
///
/// The first stage (a 1x1, or a mere change of layout) turns rows of the input, channel-first as it lies, into
/// channel-last rows; the stages between read and write those; the last (a 1x1, or a change of layout again) writes the
/// output channel-first. Each map between two stages is a ring of rows: those that the next band reads again are kept.
final class FusedConvolution: Sendable {
  let batch: Int
  let first: PlaneGeometry
  let last: PlaneGeometry
  let entry: EntryStage
  let maps: [RowMap]
  let stages: [RowStage]
  let memories: [StageMemory]
  let exit: ExitStage
  /// Output rows computed together.
  let band: Int
  /// The parts that the output rows are split into, one thread each.
  let slots: Int
  let slotLayout: WorkspaceLayout
  let layout: WorkspaceLayout
  /// Rows of zeros, as long as the longest of a map.
  let zeros: WorkspaceRegion<Float>
  /// For each map the first row of the run and the next one to compute.
  let cursors: WorkspaceRegion<Int>
  let workspace: WorkspaceRegion<UInt8>
  private let table: UncheckedTable
  /// Keeps the packed weights alive that the stages point to.
  private let weights: [PackedWeights]

  var kernels: lowrank_kernels { _read { yield table.pointer.pointee } }

  /// Nil where the stages are not all over one or two axes with one group or as many as channels, or the processor does not
  /// have the variant.
  init?(
    stages: [ConvolutionGeometry], weights: [Tensor<Float>], bias: Tensor<Float>?, options: ConvolutionOptions
  ) {
    let planes = stages.compactMap(PlaneGeometry.init)
    guard planes.count == stages.count, planes.allSatisfy({ $0.groups == 1 || $0.isDepthwise }),
      let table = (options.variant ?? .best).table
    else { return nil }
    let design = FusedDesign(planes: planes, options: options, table: table.pointee)
    let packed = design.pack(weights, bias: bias)
    let body = design.fitting(weights: packed.map(\.base))
    self.table = UncheckedTable(pointer: table)
    self.weights = packed
    batch = stages[0].batch
    first = planes[0]
    last = planes[planes.count - 1]
    (entry, maps, self.stages, memories, exit) = (
      body.entry, body.maps, body.stages, body.memories, body.exit
    )
    (band, zeros, cursors, slotLayout) = (body.band, body.zeros, body.cursors, body.layout)
    let bands = (last.outputHeight + band - 1) / band
    slots = max(1, min(options.threads, bands, Int(LOWRANK_MOST_THREADS)))
    var layout = WorkspaceLayout()
    workspace = layout.reserve(UInt8.self, count: slots * body.layout.byteCount)
    self.layout = layout
  }

  /// The output rows of one slot.
  func rows(ofSlot slot: Int) -> Range<Int> {
    let bands = (last.outputHeight + band - 1) / band
    return min(
      last.outputHeight, slot * bands / slots * band)..<min(
        last.outputHeight, (slot + 1) * bands / slots * band)
  }

  /// Runs every image through all stages.
  func run(
    input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, workspace: borrowing Workspace
  ) {
    var job = FusedJob(
      plan: Unmanaged.passUnretained(self), input: input, output: output,
      memory: UnsafeMutableRawPointer(workspace.pointer(to: self.workspace)))
    withExtendedLifetime(self) {
      _ = lowrank_pool_run(
        slots,
        { job, slot in
          guard let job = job?.assumingMemoryBound(to: FusedJob.self) else { return }
          job.pointee.plan._withUnsafeGuaranteedRef { plan in
            FusedRun(
              plan: plan, input: job.pointee.input, output: job.pointee.output,
              memory: SlotMemory(base: job.pointee.memory + slot * plan.slotLayout.byteCount)
            ).run(slot: slot)
          }
        }, &job)
    }
  }
}

/// The kernels' table is constant.
private struct UncheckedTable: @unchecked Sendable {
  let pointer: UnsafePointer<lowrank_kernels>
}

/// What the threads of a run share.
private struct FusedJob {
  let plan: Unmanaged<FusedConvolution>
  let input: UnsafePointer<Float>
  let output: UnsafeMutablePointer<Float>
  let memory: UnsafeMutableRawPointer
}
