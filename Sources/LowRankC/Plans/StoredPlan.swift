internal import CLowRank
internal import Conv
internal import Tensors

/// What a `lowrank_plan` handle stands for, in either precision.
protocol PlanObject: AnyObject, Sendable {
  /// What `lowrank_plan_get_info` tells.
  func fill(_ info: inout lowrank_plan_info)
}

/// A plan behind a handle.
final class StoredPlan<Element: CScalar>: PlanObject {
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

extension StoredPlan {
  /// The plan of a handle.
  ///
  /// **Throws** where it is none, or has the other precision.
  static func of(_ handle: OpaquePointer?) throws(Failure) -> StoredPlan {
    let plan = try HandleTable.object(handle, "plan", as: (any PlanObject).self)
    guard let stored = plan as? StoredPlan else {
      throw Failure(LOWRANK_INVALID_ARGUMENT, "the plan has the other precision")
    }
    return stored
  }
}
