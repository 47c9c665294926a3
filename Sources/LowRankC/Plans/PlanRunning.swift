public import CLowRank
internal import Conv
internal import Tensors

private func run<Element: CScalar>(
  _ handle: OpaquePointer?, _ input: UnsafePointer<Element>?, _ inputCount: Int,
  _ output: UnsafeMutablePointer<Element>?, _ outputCount: Int,
  _ workspace: UnsafeMutableRawPointer?, _ workspaceBytes: Int
) throws(Failure) {
  let stored = try StoredPlan<Element>.of(handle)
  let input = try buffer(input, count: inputCount, "input")
  let output = try buffer(output, count: outputCount, "output")
  guard let workspace else { throw Failure(LOWRANK_NULL_ARGUMENT, "workspace is null") }
  let scratch = try ByteRange(workspace, count: workspaceBytes, stride: 1, "workspace")
  try requireCount(inputCount, stored.inputCount, "input")
  try requireCount(outputCount, stored.outputCount, "output")
  guard workspaceBytes >= stored.workspaceBytes else {
    throw Failure(
      LOWRANK_SIZE_MISMATCH,
      "a workspace of \(workspaceBytes) bytes for a plan that needs \(stored.workspaceBytes)")
  }
  let source = try byteRange(input, "input")
  let target = try byteRange(UnsafeBufferPointer(output), "output")
  try target.requireApart(from: source)
  try scratch.requireApart(from: source)
  try scratch.requireApart(from: target)
  var lent = Workspace(
    borrowing: UnsafeMutableRawBufferPointer(start: workspace, count: workspaceBytes))
  var result = output.mutableSpan
  stored.plan.run(input: input.span, output: &result, workspace: &lent)
}

private func byteRange<T>(_ buffer: UnsafeBufferPointer<T>, _ name: String) throws(Failure) -> ByteRange {
  try ByteRange(
    UnsafeRawPointer(try required(buffer.baseAddress, name)), count: buffer.count,
    stride: MemoryLayout<T>.stride, name)
}

/// `lowrank_plan_run_f32`
#if compiler(>=6.3)
  @c(lowrank_plan_run_f32)
#else
  @_cdecl("lowrank_plan_run_f32")
#endif
public func planRunF32(
  _ plan: OpaquePointer?, _ input: UnsafePointer<Float>?, _ inputCount: Int,
  _ output: UnsafeMutablePointer<Float>?, _ outputCount: Int, _ workspace: UnsafeMutableRawPointer?,
  _ workspaceBytes: Int
) -> lowrank_status {
  guarded("lowrank_plan_run_f32") { () throws(Failure) in
    try run(plan, input, inputCount, output, outputCount, workspace, workspaceBytes)
  }
}

/// `lowrank_plan_run_f64`
#if compiler(>=6.3)
  @c(lowrank_plan_run_f64)
#else
  @_cdecl("lowrank_plan_run_f64")
#endif
public func planRunF64(
  _ plan: OpaquePointer?, _ input: UnsafePointer<Double>?, _ inputCount: Int,
  _ output: UnsafeMutablePointer<Double>?, _ outputCount: Int, _ workspace: UnsafeMutableRawPointer?,
  _ workspaceBytes: Int
) -> lowrank_status {
  guarded("lowrank_plan_run_f64") { () throws(Failure) in
    try run(plan, input, inputCount, output, outputCount, workspace, workspaceBytes)
  }
}

/// `lowrank_plan_get_info`
#if compiler(>=6.3)
  @c(lowrank_plan_get_info)
#else
  @_cdecl("lowrank_plan_get_info")
#endif
public func planGetInfo(
  _ plan: OpaquePointer?, _ info: UnsafeMutablePointer<lowrank_plan_info>?
) -> lowrank_status {
  guarded("lowrank_plan_get_info") { () throws(Failure) in
    try fill(info, "info") { filled throws(Failure) in
      try HandleTable.object(plan, "plan", as: (any PlanObject).self).fill(&filled)
    }
  }
}

/// `lowrank_plan_destroy`
#if compiler(>=6.3)
  @c(lowrank_plan_destroy)
#else
  @_cdecl("lowrank_plan_destroy")
#endif
public func planDestroy(_ plan: OpaquePointer?) -> lowrank_status {
  guarded("lowrank_plan_destroy") { () throws(Failure) in
    try HandleTable.remove(plan, "plan", as: (any PlanObject).self)
  }
}
