internal import CLowRank
internal import Decompose
internal import Forms
internal import Tensors

/// What a `lowrank_decomposition` handle stands for, in either precision.
protocol DecompositionObject: AnyObject, Sendable {
  /// What `lowrank_decomposition_get_info` tells.
  func fill(_ info: inout lowrank_decomposition_info)

  /// The name, the groups and the shape of a factor or a stage.
  func description(
    _ part: lowrank_part, _ index: Int32
  ) throws(Failure) -> (name: String, groups: Int, shape: Shape)

  /// The factors in the precision asked for.
  func kernel<Other: CScalar>(as: Other.Type) -> FactoredKernel<Other>

  /// A factor or a stage in the precision asked for.
  func tensor<Other: CScalar>(
    _ part: lowrank_part, _ index: Int32, as: Other.Type
  ) throws(Failure) -> Tensor<Other>
}

/// The decomposition of a handle.
func decompositionObject(_ handle: OpaquePointer?) throws(Failure) -> any DecompositionObject {
  try HandleTable.object(handle, "decomposition")
}

/// A decomposition behind a handle, its stages' weights made ready to be copied.
final class StoredDecomposition<Element: CScalar>: DecompositionObject {
  private let decomposition: Decomposition<Element>
  private let stages: [StageShape]
  private let stageWeights: [Tensor<Element>]

  init(_ decomposition: Decomposition<Element>) {
    self.decomposition = decomposition
    let kernel = decomposition.kernel
    stages = kernel.form.stages(kernel: kernel.kernelShape)
    stageWeights = kernel.stageWeights
  }

  /// A factor or a stage by its place.
  private func tensor(
    _ part: lowrank_part, _ index: Int32
  ) throws(Failure) -> (name: String, groups: Int, tensor: Tensor<Element>) {
    switch part {
    case LOWRANK_FACTOR:
      let kernel = decomposition.kernel
      let place = try number(index, in: 0...(kernel.parts.count - 1), "index")
      return (kernel.form.kind.parts[place], 1, kernel.parts[place])
    case LOWRANK_STAGE:
      let place = try number(index, in: 0...(stages.count - 1), "index")
      return (stages[place].name, stages[place].groups, stageWeights[place])
    default:
      throw Failure(LOWRANK_INVALID_ARGUMENT, "there is no part \(part.rawValue)")
    }
  }

  func description(
    _ part: lowrank_part, _ index: Int32
  ) throws(Failure) -> (name: String, groups: Int, shape: Shape) {
    let found = try tensor(part, index)
    return (found.name, found.groups, found.tensor.shape)
  }

  func kernel<Other: CScalar>(as: Other.Type) -> FactoredKernel<Other> { decomposition.kernel.converted() }

  func tensor<Other: CScalar>(
    _ part: lowrank_part, _ index: Int32, as: Other.Type
  ) throws(Failure) -> Tensor<Other> {
    try tensor(part, index).tensor.converted()
  }

  func fill(_ info: inout lowrank_decomposition_info) {
    let (form, shape) = (decomposition.kernel.form, decomposition.kernel.kernelShape)
    info.method = lowrank_method(form)
    info.type = Element.type
    info.kernel_order = Int32(shape.order)
    info.rank_count = Int32(form.ranks.count)
    info.factor_count = Int32(decomposition.kernel.parts.count)
    info.stage_count = Int32(stages.count)
    info.weight_count = stages.reduce(0) { $0 + Int64($1.weightCount) }
    info.relative_error = decomposition.relativeError
    info.error_bound = decomposition.errorBound
    info.sweeps = Int32(clamping: decomposition.convergence.sweeps)
    info.converged = decomposition.convergence.converged ? 1 : 0
    info.sensitivity = decomposition.certificate?.sensitivity ?? 0
    write(shape.extents + [Int](repeating: 0, count: Int(LOWRANK_MAX_ORDER)), to: &info.kernel_shape)
    write(form.ranks + [0, 0], to: &info.ranks)
  }
}
