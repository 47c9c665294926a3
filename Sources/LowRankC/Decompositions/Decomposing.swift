public import CLowRank
internal import Decompose
internal import Forms
internal import Tensors

/// Checks the arguments of `lowrank_decompose_*`, factors, and gives out a handle.
private func decompose<Element: CScalar>(
  _ method: lowrank_method, _ kernel: UnsafePointer<Element>?, _ count: Int, _ shape: UnsafePointer<Int64>?,
  _ order: Int32, _ ranks: UnsafePointer<Int64>?, _ rankCount: Int32,
  _ options: UnsafePointer<lowrank_decompose_options>?, _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  guarded("lowrank_decompose_\(Element.suffix)") { () throws(Failure) in
    let result = try required(result, "result")
    let form = try method.form(ranks, count: rankCount)
    let shape = try kernelShape(shape, order: order)
    let options = try DecompositionOptions(options)
    _ = try buffer(kernel, count: count, "kernel")
    try requireCount(count, shape.count, "kernel")
    guard form != .dense else {
      throw Failure(
        .unsuitableKernel(
          form: "dense", kernel: shape, reason: "LOWRANK_DENSE is for lowrank_plan_create_stages_*"))
    }
    try Limits.requireFactorable(shape, form, elementBytes: MemoryLayout<Element>.stride)
    let tensor = try Tensor(copying: kernel, count: count, shape: shape, "kernel")
    do throws(DecomposeError) {
      result.pointee = HandleTable.insert(
        StoredDecomposition(try Decompose.decompose(tensor, into: form, options: options)))
    } catch {
      throw Failure(error)
    }
  }
}

/// `lowrank_decompose_f32`
#if compiler(>=6.3)
  @c(lowrank_decompose_f32)
#else
  @_cdecl("lowrank_decompose_f32")
#endif
public func decomposeF32(
  _ method: lowrank_method, _ kernel: UnsafePointer<Float>?, _ kernelCount: Int,
  _ shape: UnsafePointer<Int64>?, _ order: Int32, _ ranks: UnsafePointer<Int64>?, _ rankCount: Int32,
  _ options: UnsafePointer<lowrank_decompose_options>?, _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  decompose(method, kernel, kernelCount, shape, order, ranks, rankCount, options, result)
}

/// `lowrank_decompose_f64`
#if compiler(>=6.3)
  @c(lowrank_decompose_f64)
#else
  @_cdecl("lowrank_decompose_f64")
#endif
public func decomposeF64(
  _ method: lowrank_method, _ kernel: UnsafePointer<Double>?, _ kernelCount: Int,
  _ shape: UnsafePointer<Int64>?, _ order: Int32, _ ranks: UnsafePointer<Int64>?, _ rankCount: Int32,
  _ options: UnsafePointer<lowrank_decompose_options>?, _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  decompose(method, kernel, kernelCount, shape, order, ranks, rankCount, options, result)
}
