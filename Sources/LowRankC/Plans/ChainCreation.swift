public import CLowRank
internal import Conv
internal import Tensors

/// `lowrank_stage`, checked.
private func chainStage<Element: CScalar>(
  _ pointer: UnsafePointer<lowrank_stage>?, axes: Int, _ name: String
) throws(Failure) -> ConvolutionStage<Element> {
  let given = try structure(pointer, name)
  guard given.reserved == 0 else {
    throw Failure(LOWRANK_INVALID_ARGUMENT, "\(name)->reserved is \(given.reserved), not zero")
  }
  let order = try number(given.order, in: 2...Int(LOWRANK_MAX_ORDER), "\(name)->order")
  guard order == axes + 2 else {
    throw Failure(LOWRANK_BAD_GEOMETRY, "\(name)->order is \(order) in a chain over \(axes) spatial axes")
  }
  let shape = try kernelShape(read(given.shape, count: order), "\(name)->shape")
  let groups = max(1, try number(given.groups, in: 0...Limits.extent, "\(name)->groups"))
  let window = try WindowNumbers(given, axes: axes, name)
  let activation = try Activation(given, channels: shape[0], name)
  let weights = try Tensor(
    copying: given.weights?.assumingMemoryBound(to: Element.self), count: given.weight_count, shape: shape,
    "\(name)->weights")
  let bias = try biasTensor(
    given.bias?.assumingMemoryBound(to: Element.self), given.bias_count, channels: shape[0], "\(name)->bias")
  do throws(ConvError) {
    return try ConvolutionStage(
      weights: weights, bias: bias, activation: activation, stride: window.stride, dilation: window.dilation,
      paddingBefore: window.paddingBefore, paddingAfter: window.paddingAfter, groups: groups)
  } catch {
    throw Failure(error)
  }
}

/// Throws where the stages do not follow one another on inputs of these extents, or would be too large together.
private func requireChain<Element: CScalar>(
  _ stages: [ConvolutionStage<Element>], batch: Int, inputExtents: [Int]
) throws(Failure) {
  var demand = RunDemand()
  var extents = inputExtents
  for (index, stage) in stages.enumerated() {
    let written = index > 0 ? stages[index - 1].outputChannels : stage.inputChannels
    guard written == stage.inputChannels else {
      throw Failure(
        LOWRANK_BAD_GEOMETRY,
        "stages[\(index)] reads \(stage.inputChannels) channels, but the stage before it writes \(written)")
    }
    let geometry: ConvolutionGeometry
    do throws(ConvError) {
      geometry = try stage.geometry(batch: batch, inputExtents: extents)
    } catch {
      throw Failure(error)
    }
    try demand.add(
      geometry, channels: [geometry.inputChannels, geometry.outputChannels],
      taps: geometry.kernel.reduce(1, *))
    extents = geometry.outputExtents
  }
}

private func createChain<Element: CScalar>(
  _ stages: UnsafePointer<UnsafePointer<lowrank_stage>?>?, _ stageCount: Int32, _ batch: Int64,
  _ extents: UnsafePointer<Int64>?, _ axes: Int32, _ options: UnsafePointer<lowrank_plan_options>?,
  _ result: UnsafeMutablePointer<OpaquePointer?>?, _: Element.Type
) -> lowrank_status {
  guarded("lowrank_plan_create_chain_\(Element.suffix)") { () throws(Failure) in
    let result = try required(result, "result")
    let count = try number(stageCount, in: 1...Int(LOWRANK_MAX_STAGES), "stage_count")
    let batch = max(1, try number(batch, in: 0...Limits.extent, "batch"))
    let axes = try number(axes, in: 0...Int(LOWRANK_MAX_AXES), "axes")
    let values = axes == 0 ? [] : Array(try buffer(extents, count: axes, "extents"))
    let inputExtents = try spatialNumbers(values, least: 1, "extents")
    let options = try PlanOptions(options)
    try options.requireNoActivation()
    var chain: [ConvolutionStage<Element>] = []
    for (index, stage) in try buffer(stages, count: count, "stages").enumerated() {
      chain.append(try chainStage(stage, axes: axes, "stages[\(index)]"))
    }
    try requireChain(chain, batch: batch, inputExtents: inputExtents)
    result.pointee = try makePlan(
      chain, batch: batch, inputExtents: inputExtents, options, for: "a chain of \(count) stages")
  }
}

/// `lowrank_plan_create_chain_f32`
#if compiler(>=6.3)
  @c(lowrank_plan_create_chain_f32)
#else
  @_cdecl("lowrank_plan_create_chain_f32")
#endif
public func planCreateChainF32(
  _ stages: UnsafePointer<UnsafePointer<lowrank_stage>?>?, _ stageCount: Int32, _ batch: Int64,
  _ extents: UnsafePointer<Int64>?, _ axes: Int32, _ options: UnsafePointer<lowrank_plan_options>?,
  _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  createChain(stages, stageCount, batch, extents, axes, options, result, Float.self)
}

/// `lowrank_plan_create_chain_f64`
#if compiler(>=6.3)
  @c(lowrank_plan_create_chain_f64)
#else
  @_cdecl("lowrank_plan_create_chain_f64")
#endif
public func planCreateChainF64(
  _ stages: UnsafePointer<UnsafePointer<lowrank_stage>?>?, _ stageCount: Int32, _ batch: Int64,
  _ extents: UnsafePointer<Int64>?, _ axes: Int32, _ options: UnsafePointer<lowrank_plan_options>?,
  _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  createChain(stages, stageCount, batch, extents, axes, options, result, Double.self)
}
