public import CLowRank
internal import Conv
internal import Forms
internal import Tensors

/// Makes a plan of a form's checked stages, and a handle for it.
private func makePlan<Element: CScalar>(
  _ geometry: ConvolutionGeometry, _ form: FactoredForm, _ weights: [Tensor<Element>],
  _ bias: Tensor<Element>?, _ options: PlanOptions
) throws(Failure) -> OpaquePointer? {
  let geometries = geometry.stages(form.stages(kernel: geometry.kernelShape, groups: geometry.groups))
  let activation = try options.activation(channels: geometry.outputChannels)
  var stages: [ConvolutionStage<Element>] = []
  for (index, stage) in geometries.enumerated() {
    let isLast = index == geometries.count - 1
    do throws(ConvError) {
      stages.append(
        try ConvolutionStage(
          weights: weights[index], bias: isLast ? bias : nil, activation: isLast ? activation : .none,
          stride: stage.stride, dilation: stage.dilation, paddingBefore: stage.paddingBefore,
          paddingAfter: stage.paddingAfter, groups: stage.groups))
    } catch {
      throw Failure(error)
    }
  }
  return try makePlan(
    stages, batch: geometry.batch, inputExtents: geometry.inputExtents, options, for: "\(form)")
}

/// Makes a plan of checked stages that follow one another, and a handle for it.
func makePlan<Element: CScalar>(
  _ stages: [ConvolutionStage<Element>], batch: Int, inputExtents: [Int], _ options: PlanOptions,
  for what: String
) throws(Failure) -> OpaquePointer? {
  let count = stages.reduce(0.0) { $0 + Double($1.weights.count) }
  // Winograd's transformed weights are up to 49 / 9 as many, beside the weights themselves while the plan is made.
  try Limits.requireMemory(8 * Double(MemoryLayout<Element>.stride) * count, for: "a plan for \(what)")
  do throws(ConvError) {
    let plan = try Convolution(stages, options: options.run).reshaped(
      batch: batch, inputExtents: inputExtents, input: options.input, output: options.output)
    return HandleTable.insert(StoredPlan(plan))
  } catch {
    throw Failure(error)
  }
}

/// Throws where the stages of a form would overflow, or the kernel has no such form.
private func requireStages(_ form: FactoredForm, _ geometry: ConvolutionGeometry) throws(Failure) {
  let shape = geometry.kernelShape
  guard form.fits(kernel: shape) else {
    throw Failure(LOWRANK_UNSUITABLE, "a kernel of \(shape) has no \(form.kind) form")
  }
  let inner = form.ranks.map { $0 * geometry.groups }
  var demand = RunDemand()
  try demand.add(
    geometry, channels: [geometry.inputChannels, geometry.outputChannels] + inner,
    taps: geometry.kernel.reduce(1, *))
}

/// A bias of T elements; nil where pointer and count say that there is none.
func biasTensor<Element: CScalar>(
  _ bias: UnsafePointer<Element>?, _ count: Int, channels: Int, _ name: String = "bias"
) throws(Failure) -> Tensor<Element>? {
  if bias == nil && count == 0 { return nil }
  return try Tensor(copying: bias, count: count, shape: [channels], name)
}

private func createDense<Element: CScalar>(
  _ geometry: UnsafePointer<lowrank_geometry>?, _ kernel: UnsafePointer<Element>?, _ kernelCount: Int,
  _ shape: UnsafePointer<Int64>?, _ order: Int32, _ bias: UnsafePointer<Element>?, _ biasCount: Int,
  _ options: UnsafePointer<lowrank_plan_options>?, _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  guarded("lowrank_plan_create_\(Element.suffix)") { () throws(Failure) in
    let result = try required(result, "result")
    let geometry = try convolutionGeometry(geometry, kernel: try kernelShape(shape, order: order))
    let options = try PlanOptions(options)
    try requireStages(.dense, geometry)
    let weights = try Tensor(copying: kernel, count: kernelCount, shape: geometry.kernelShape, "kernel")
    let bias = try biasTensor(bias, biasCount, channels: geometry.outputChannels)
    result.pointee = try makePlan(geometry, .dense, [weights], bias, options)
  }
}

private func createFactored<Element: CScalar>(
  _ geometry: UnsafePointer<lowrank_geometry>?, _ decomposition: OpaquePointer?,
  _ bias: UnsafePointer<Element>?, _ biasCount: Int, _ options: UnsafePointer<lowrank_plan_options>?,
  _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  guarded("lowrank_plan_create_factored_\(Element.suffix)") { () throws(Failure) in
    let result = try required(result, "result")
    let factors = try decompositionObject(decomposition).kernel(as: Element.self)
    let geometry = try convolutionGeometry(geometry, kernel: factors.kernelShape)
    guard geometry.groups == 1 else {
      throw Failure(
        LOWRANK_BAD_GEOMETRY, "factors are for one group, but geometry->groups is \(geometry.groups)")
    }
    let options = try PlanOptions(options)
    try requireStages(factors.form, geometry)
    let bias = try biasTensor(bias, biasCount, channels: geometry.outputChannels)
    result.pointee = try makePlan(geometry, factors.form, factors.stageWeights, bias, options)
  }
}

private func createStages<Element: CScalar>(
  _ geometry: UnsafePointer<lowrank_geometry>?, _ shape: UnsafePointer<Int64>?, _ order: Int32,
  _ method: lowrank_method, _ ranks: UnsafePointer<Int64>?, _ rankCount: Int32,
  _ weights: UnsafePointer<UnsafePointer<Element>?>?, _ counts: UnsafePointer<Int>?, _ stageCount: Int32,
  _ bias: UnsafePointer<Element>?, _ biasCount: Int, _ options: UnsafePointer<lowrank_plan_options>?,
  _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  guarded("lowrank_plan_create_stages_\(Element.suffix)") { () throws(Failure) in
    let result = try required(result, "result")
    let form = try method.form(ranks, count: rankCount)
    let geometry = try convolutionGeometry(geometry, kernel: try kernelShape(shape, order: order))
    let options = try PlanOptions(options)
    try requireStages(form, geometry)
    let stages = form.stages(kernel: geometry.kernelShape, groups: geometry.groups)
    guard stageCount == stages.count else {
      throw Failure(
        LOWRANK_SIZE_MISMATCH, "stage_count is \(stageCount), but \(form) has \(stages.count) stages")
    }
    let buffers = try buffer(weights, count: stages.count, "weights")
    let sizes = try buffer(counts, count: stages.count, "counts")
    var tensors: [Tensor<Element>] = []
    for (index, stage) in stages.enumerated() {
      tensors.append(
        try Tensor(
          copying: buffers[index], count: sizes[index], shape: stage.weightShape, "weights[\(index)]"))
    }
    let bias = try biasTensor(bias, biasCount, channels: geometry.outputChannels)
    result.pointee = try makePlan(geometry, form, tensors, bias, options)
  }
}

/// `lowrank_plan_create_f32`
#if compiler(>=6.3)
  @c(lowrank_plan_create_f32)
#else
  @_cdecl("lowrank_plan_create_f32")
#endif
public func planCreateF32(
  _ geometry: UnsafePointer<lowrank_geometry>?, _ kernel: UnsafePointer<Float>?, _ kernelCount: Int,
  _ shape: UnsafePointer<Int64>?, _ order: Int32, _ bias: UnsafePointer<Float>?, _ biasCount: Int,
  _ options: UnsafePointer<lowrank_plan_options>?, _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  createDense(geometry, kernel, kernelCount, shape, order, bias, biasCount, options, result)
}

/// `lowrank_plan_create_f64`
#if compiler(>=6.3)
  @c(lowrank_plan_create_f64)
#else
  @_cdecl("lowrank_plan_create_f64")
#endif
public func planCreateF64(
  _ geometry: UnsafePointer<lowrank_geometry>?, _ kernel: UnsafePointer<Double>?, _ kernelCount: Int,
  _ shape: UnsafePointer<Int64>?, _ order: Int32, _ bias: UnsafePointer<Double>?, _ biasCount: Int,
  _ options: UnsafePointer<lowrank_plan_options>?, _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  createDense(geometry, kernel, kernelCount, shape, order, bias, biasCount, options, result)
}

/// `lowrank_plan_create_factored_f32`
#if compiler(>=6.3)
  @c(lowrank_plan_create_factored_f32)
#else
  @_cdecl("lowrank_plan_create_factored_f32")
#endif
public func planCreateFactoredF32(
  _ geometry: UnsafePointer<lowrank_geometry>?, _ decomposition: OpaquePointer?,
  _ bias: UnsafePointer<Float>?, _ biasCount: Int, _ options: UnsafePointer<lowrank_plan_options>?,
  _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  createFactored(geometry, decomposition, bias, biasCount, options, result)
}

/// `lowrank_plan_create_factored_f64`
#if compiler(>=6.3)
  @c(lowrank_plan_create_factored_f64)
#else
  @_cdecl("lowrank_plan_create_factored_f64")
#endif
public func planCreateFactoredF64(
  _ geometry: UnsafePointer<lowrank_geometry>?, _ decomposition: OpaquePointer?,
  _ bias: UnsafePointer<Double>?, _ biasCount: Int, _ options: UnsafePointer<lowrank_plan_options>?,
  _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  createFactored(geometry, decomposition, bias, biasCount, options, result)
}

/// `lowrank_plan_create_stages_f32`
#if compiler(>=6.3)
  @c(lowrank_plan_create_stages_f32)
#else
  @_cdecl("lowrank_plan_create_stages_f32")
#endif
public func planCreateStagesF32(
  _ geometry: UnsafePointer<lowrank_geometry>?, _ shape: UnsafePointer<Int64>?, _ order: Int32,
  _ method: lowrank_method, _ ranks: UnsafePointer<Int64>?, _ rankCount: Int32,
  _ weights: UnsafePointer<UnsafePointer<Float>?>?, _ counts: UnsafePointer<Int>?, _ stageCount: Int32,
  _ bias: UnsafePointer<Float>?, _ biasCount: Int, _ options: UnsafePointer<lowrank_plan_options>?,
  _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  createStages(
    geometry, shape, order, method, ranks, rankCount, weights, counts, stageCount, bias, biasCount, options,
    result)
}

/// `lowrank_plan_create_stages_f64`
#if compiler(>=6.3)
  @c(lowrank_plan_create_stages_f64)
#else
  @_cdecl("lowrank_plan_create_stages_f64")
#endif
public func planCreateStagesF64(
  _ geometry: UnsafePointer<lowrank_geometry>?, _ shape: UnsafePointer<Int64>?, _ order: Int32,
  _ method: lowrank_method, _ ranks: UnsafePointer<Int64>?, _ rankCount: Int32,
  _ weights: UnsafePointer<UnsafePointer<Double>?>?, _ counts: UnsafePointer<Int>?, _ stageCount: Int32,
  _ bias: UnsafePointer<Double>?, _ biasCount: Int, _ options: UnsafePointer<lowrank_plan_options>?,
  _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  createStages(
    geometry, shape, order, method, ranks, rankCount, weights, counts, stageCount, bias, biasCount, options,
    result)
}
