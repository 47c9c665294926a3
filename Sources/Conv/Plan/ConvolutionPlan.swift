public import Forms
public import LinearAlgebra
public import Tensors

/// A convolution of a known size, ready to run many times: what `Convolution.reshaped` makes.
///
/// For one layer of one size it can be made at once, of a dense kernel or of a factored one, whose stages follow one another
/// with the bias and the activation on the last:
///
///     let plan = ConvolutionPlan(geometry, factors: factors, bias: bias)
///     var workspace = plan.makeWorkspace()
///     plan.run(input: x, output: &y, workspace: &workspace)
///
/// The result is `activation(convolution + bias + residual)`, all in one pass.
///
/// A plan is immutable: many threads may run it at once, each with a workspace of its own. Runs that take several threads
/// wait for one another where they would need more than the processors that the process started with, in the order in which
/// they came. On the path through CBLAS the BLAS's thread count, global to the process, is 1 during a run.
///
/// **Accuracy** see `errorBound(inputsUpTo:)`. An infinity or a NaN of the input makes NaN of outputs that it has no part in,
/// too: of a whole tile under Winograd's algorithms, and in Float over up to two axes of neighbouring groups, which are
/// multiplied as one block with zeros between them where that is faster. `ConvolutionOptions.Winograd.off` and
/// `ConvolutionOptions.Backend.blas` keep tiles and groups apart.
///
/// **Complexity** `multiplies` multiplies; `workspaceByteCount` bytes of workspace; no allocation in `run`.
public struct ConvolutionPlan<Element: LapackScalar>: Sendable {
  /// The input without gaps: `[N, S, extents...]`, or `[N, extents..., S]` where it is channel-last.
  public let inputShape: Shape
  /// The output without gaps: `[N, T, extents...]`, or `[N, extents..., T]` where it is channel-last.
  public let outputShape: Shape
  /// The elements of an input from the first to the last, with the gaps that its layout says.
  public var inputCount: Int { ends.input.span }
  /// The elements of an output from the first to the last, with the gaps that its layout says.
  public var outputCount: Int { ends.output.span }
  /// The geometry of each stage, in the order they run; one for a dense kernel.
  public let stages: [ConvolutionGeometry]
  /// How the plan runs.
  public let options: ConvolutionOptions
  /// What the error bound needs of each stage.
  let bounds: [StageBound]
  let ends: MapEnds
  private var executor: Executor

  /// What runs the stages.
  enum Executor: Sendable {
    case banded(BandedConvolution)
    case gemm(GEMMConvolution<Element>)
  }

  /// The banded run on kernels of our own, where it applies.
  var banded: BandedConvolution? {
    if case .banded(let banded) = executor { banded } else { nil }
  }

  /// Whether kernels of our own multiply the column matrices.
  var usesOwnGEMM: Bool {
    if case .gemm(let gemm) = executor { gemm.weights.kernels != nil } else { false }
  }

  init(
    _ convolution: Convolution<Element>, _ stages: [ConvolutionGeometry], _ ends: MapEnds,
    _ executor: Executor
  ) {
    let (first, last) = (stages[0], stages[stages.count - 1])
    inputShape =
      ends.input.isChannelLast
      ? Shape([first.batch] + first.inputExtents + [first.inputChannels]) : first.inputShape
    outputShape =
      ends.output.isChannelLast
      ? Shape([last.batch] + last.outputExtents + [last.outputChannels]) : last.outputShape
    self.stages = stages
    options = convolution.options
    bounds = convolution.bounds
    self.ends = ends
    self.executor = executor
  }

  /// A plan for a dense kernel.
  ///
  /// **Shapes** `kernel` [T, S / groups, D...], `bias` [T].
  ///
  /// **Traps** where a shape is not the geometry's, or the activation's parameters do not fit.
  public init(
    _ geometry: ConvolutionGeometry, kernel: Tensor<Element>, bias: Tensor<Element>? = nil,
    activation: Activation = .none, options: ConvolutionOptions = ConvolutionOptions()
  ) {
    precondition(
      kernel.shape == geometry.kernelShape, "a kernel of \(kernel.shape), not \(geometry.kernelShape)")
    let shapes = FactoredForm.dense.stages(kernel: geometry.kernelShape, groups: geometry.groups)
    self.init(
      geometry, stages: shapes, weights: [kernel], bias: bias, activation: activation, options: options)
  }

  /// A plan for a factored kernel.
  ///
  /// **Shapes** `factors.kernelShape` [T, S, D...], `bias` [T].
  ///
  /// **Traps** where the geometry has more than one group, its kernel shape is another, or the activation's parameters do
  /// not fit.
  public init(
    _ geometry: ConvolutionGeometry, factors: FactoredKernel<Element>, bias: Tensor<Element>? = nil,
    activation: Activation = .none, options: ConvolutionOptions = ConvolutionOptions()
  ) {
    precondition(geometry.groups == 1, "factors for one group, a geometry of \(geometry.groups)")
    precondition(
      factors.kernelShape == geometry.kernelShape,
      "factors of a kernel of \(factors.kernelShape), not \(geometry.kernelShape)")
    self.init(
      geometry, stages: factors.form.stages(kernel: factors.kernelShape), weights: factors.stageWeights,
      bias: bias, activation: activation, options: options)
  }

  /// A plan for stages put together by hand, e.g. those of `FactoredForm.stages(kernel:groups:)`.
  ///
  /// **Shapes** one weight tensor of `weightShape` for each stage, `bias` [T].
  ///
  /// **Traps** where the stages do not lead from S channels to T, a shape does not fit, or the activation's parameters do
  /// not.
  public init(
    _ geometry: ConvolutionGeometry, stages shapes: [StageShape], weights: [Tensor<Element>],
    bias: Tensor<Element>? = nil, activation: Activation = .none,
    options: ConvolutionOptions = ConvolutionOptions()
  ) {
    precondition(
      shapes.map(\.weightShape) == weights.map(\.shape), "weights of \(weights.map(\.shape)) for \(shapes)")
    let stages = geometry.stages(shapes)
    let convolution = Convolution(
      stages, weights: weights, bias: bias, activation: activation, options: options)
    do {
      self = try convolution.plan(stages)
    } catch {
      preconditionFailure("\(geometry) does not fit: \(error)")
    }
  }

  /// The multiplies of all stages.
  public var multiplies: Int { stages.reduce(0) { $0 + $1.multiplies } }

  /// The size of the workspace that `run` needs.
  public var workspaceByteCount: Int { layout.byteCount }

  /// A workspace for this plan; larger ones serve as well.
  public func makeWorkspace() -> Workspace { Workspace(layout) }

  /// The regions of the workspace.
  package var layout: WorkspaceLayout {
    switch executor {
    case .banded(let banded): banded.layout
    case .gemm(let gemm): gemm.layout
    }
  }

  /// The number of threads that share a run: those that `options` ask for, fewer where the layer has less to share, and at
  /// most 64.
  public var threadCount: Int {
    switch executor {
    case .banded(let banded): banded.threadCount
    case .gemm(let gemm): gemm.threadCount
    }
  }

  /// The same plan for tests, the regions of its workspace at least `count` bytes apart: see `WorkspaceLayout.redZones`.
  package func withRedZones(ofBytes count: Int) -> ConvolutionPlan {
    var plan = self
    switch executor {
    case .banded(let banded): plan.executor = .banded(BandedConvolution(banded, redZone: count))
    case .gemm(let gemm): plan.executor = .gemm(GEMMConvolution(gemm, redZone: count))
    }
    return plan
  }
}

extension ConvolutionPlan {
  /// Computes the convolution.
  ///
  /// **Shapes** `input` and `output` have the elements of `inputShape` and `outputShape`, with the gaps that their layouts
  /// say: from the first element to the last at least.
  ///
  /// **Traps** where a count does not fit or the workspace is too small.
  ///
  /// **Complexity** allocates nothing.
  #if compiler(<6.3)
    @_lifetime(output: copy output)
  #endif
  public func run(
    input: Span<Element>, output: inout MutableSpan<Element>, workspace: inout Workspace
  ) {
    _ = runCountingThreads(input: input, output: &output, workspace: &workspace)
  }

  /// Computes the convolution and returns the number of threads that did: `threadCount`, or fewer where the system has no
  /// more.
  #if compiler(<6.3)
    @_lifetime(output: copy output)
  #endif
  package func runCountingThreads(
    input: Span<Element>, output: inout MutableSpan<Element>, workspace: inout Workspace
  ) -> Int {
    input.withUnsafeBufferPointer { input in
      output.withUnsafeMutableBufferPointer { run(input, adding: nil, output: $0, workspace) }
    }
  }

  /// Computes the convolution and adds `residual` to it before the last stage's activation.
  ///
  /// **Shapes** as in `run(input:output:workspace:)`; `residual` lies as the output does.
  ///
  /// **Traps** where a count does not fit or the workspace is too small.
  ///
  /// **Complexity** allocates nothing.
  #if compiler(<6.3)
    @_lifetime(output: copy output)
  #endif
  public func run(
    input: Span<Element>, adding residual: Span<Element>, output: inout MutableSpan<Element>,
    workspace: inout Workspace
  ) {
    requireCount(residual.count, ends.output, outputShape, "residual")
    input.withUnsafeBufferPointer { input in
      residual.withUnsafeBufferPointer { residual in
        output.withUnsafeMutableBufferPointer { output in
          _ = run(input, adding: residual.baseAddress, output: output, workspace)
        }
      }
    }
  }

  /// Computes the convolution and adds it to what `output` holds, before the last stage's activation: a residual in place.
  ///
  /// **Shapes**, **Traps** and **Complexity** as in `run(input:output:workspace:)`.
  #if compiler(<6.3)
    @_lifetime(output: copy output)
  #endif
  public func run(
    input: Span<Element>, addingTo output: inout MutableSpan<Element>, workspace: inout Workspace
  ) {
    input.withUnsafeBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        _ = run(input, adding: UnsafePointer(output.baseAddress), output: output, workspace)
      }
    }
  }

  /// Traps where a span does not hold maps of `shape` that lie with `strides`.
  func requireCount(_ count: Int, _ strides: MapStrides, _ shape: Shape, _ what: String) {
    precondition(
      strides.isDense ? count == strides.span : count >= strides.span,
      "\(what) of \(count) elements for \(shape), which spans \(strides.span)")
  }

  func run(
    _ input: UnsafeBufferPointer<Element>, adding residual: UnsafePointer<Element>?,
    output: UnsafeMutableBufferPointer<Element>, _ workspace: borrowing Workspace
  ) -> Int {
    requireCount(input.count, ends.input, inputShape, "input")
    requireCount(output.count, ends.output, outputShape, "output")
    precondition(
      workspace.byteCount >= workspaceByteCount,
      "a workspace of \(workspace.byteCount) bytes for a plan that needs \(workspaceByteCount)")
    guard let x = input.baseAddress, let y = output.baseAddress else { return 0 }
    switch executor {
    case .banded(let banded):
      return banded.run(
        input: UnsafeRawPointer(x).assumingMemoryBound(to: Float.self),
        residual: UnsafeRawPointer(residual)?.assumingMemoryBound(to: Float.self),
        output: UnsafeMutableRawPointer(y).assumingMemoryBound(to: Float.self), workspace: workspace)
    case .gemm(let gemm):
      return gemm.run(input: x, residual: residual, output: y, workspace: workspace)
    }
  }

  /// Computes the convolution into a new tensor, with a workspace of its own.
  ///
  /// **Shapes** `input` of `inputShape`; the result of `outputShape`.
  ///
  /// **Traps** where the input or the output has gaps.
  ///
  /// **Complexity** two allocations besides those of `run`.
  public func run(_ input: Tensor<Element>) -> Tensor<Element> {
    precondition(input.shape == inputShape, "an input of \(input.shape), not \(inputShape)")
    var workspace = makeWorkspace()
    return Tensor(shape: outputShape) { output in
      input.withSpan { run(input: $0, output: &output, workspace: &workspace) }
    }
  }
}
