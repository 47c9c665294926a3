internal import CLowRank
internal import Conv
internal import Tensors

/// A plan behind a handle.
struct StoredPlan<Element: CScalar>: Sendable {
  let plan: ConvolutionPlan<Element>
  let inputShape: Shape
  let outputShape: Shape
  /// The elements of input and output, with the gaps of their layouts.
  let inputCount: Int
  let outputCount: Int
  /// What a run needs, with room to begin on the boundary that workspaces have.
  let workspaceBytes: Int

  init(_ plan: ConvolutionPlan<Element>) {
    self.plan = plan
    // Kept, for a run is to allocate nothing and the geometry puts its shapes together anew each time.
    inputShape = plan.inputShape
    outputShape = plan.outputShape
    inputCount = plan.inputCount
    outputCount = plan.outputCount
    workspaceBytes = plan.workspaceByteCount + Workspace.alignment
  }

  /// What `lowrank_plan_get_info` tells.
  func fill(_ info: inout lowrank_plan_info) {
    let rest = [Int](repeating: 0, count: Int(LOWRANK_MAX_ORDER))
    info.type = Element.type
    info.order = Int32(inputShape.order)
    write(inputShape.extents + rest, to: &info.input_shape)
    write(outputShape.extents + rest, to: &info.output_shape)
    info.input_count = inputCount
    info.output_count = outputCount
    info.workspace_bytes = workspaceBytes
    info.multiplies = Int64(plan.multiplies)
    info.stage_count = Int32(plan.stages.count)
    info.threads = Int32(clamping: plan.threadCount)
  }
}

/// A plan in either precision.
enum AnyPlan: Sendable {
  case float(StoredPlan<Float>)
  case double(StoredPlan<Double>)
}

/// What a `lowrank_plan` handle stands for.
final class PlanObject: Sendable {
  let value: AnyPlan

  init(_ value: AnyPlan) { self.value = value }

  static func of(_ handle: OpaquePointer?) throws(Failure) -> AnyPlan {
    try HandleTable.object(handle, "plan", as: PlanObject.self).value
  }
}
