internal import CKernels
internal import Synchronization
import Tensors

/// The packed weights of a convolution, shared by all plans that it is reshaped to.
///
/// Each layout of each stage is packed when the first plan asks for it: which panel is best depends on the extents, but most
/// sizes agree.
final class WeightStore: Sendable {
  private struct Key: Hashable {
    let stage: Int
    let packing: StagePacking
  }

  let weights: [Tensor<Float>]
  /// The epilogue of each stage.
  let epilogues: [PackedEpilogue]
  /// The kernels that the layouts are for.
  let table: KernelTable
  let machine: Machine
  private let packed = Mutex<[Key: PackedWeights]>([:])

  /// Nil where the stages are over more than two axes, or the processor does not have the variant.
  init?(_ stages: [ConvolutionStage<Float>], variant: KernelVariant) {
    let axes = stages[0].stride.count
    guard axes <= 2, let table = variant.table else { return nil }
    weights = stages.map(\.weights)
    epilogues = stages.map { PackedEpilogue(bias: $0.bias, activation: $0.activation) }
    self.table = KernelTable(pointer: table)
    machine = Machine(table.pointee)
  }

  /// The same stages with nothing packed yet.
  private init(_ other: WeightStore) {
    (weights, epilogues, table, machine) = (other.weights, other.epilogues, other.table, other.machine)
  }

  /// A store for plans that are only tried out, so that nothing of theirs stays in this one.
  func emptied() -> WeightStore { WeightStore(self) }

  /// The weights of a stage as `packing` lays them out.
  func packed(_ stage: Int, _ plane: PlaneGeometry, as packing: StagePacking) -> PackedWeights {
    packed.withLock { packed in
      let key = Key(stage: stage, packing: packing)
      if let found = packed[key] { return found }
      let made = packing.pack(weights[stage], of: plane, for: machine)
      packed[key] = made
      return made
    }
  }

  /// The number of layouts packed so far, and their bytes.
  var contents: (count: Int, bytes: Int) {
    packed.withLock { ($0.count, $0.values.reduce(0) { $0 + $1.byteCount }) }
  }
}

/// The functions of an instruction set: a constant.
struct KernelTable: @unchecked Sendable {
  let pointer: UnsafePointer<lowrank_kernels>
}
