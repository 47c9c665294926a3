public import LinearAlgebra
public import Forms
public import Tensors

/// A convolution made ready to run many times: weights packed and workspace worked out once.
///
/// Runs a dense kernel or a factored one, whose stages follow one another with the bias on the last.
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
/// **Shapes** input `[N, S, extents...]`, output `[N, T, output extents...]`, both row-major; see
/// `ConvolutionGeometry`.
///
/// **Accuracy** see `errorBound(inputsUpTo:)`.
///
/// **Complexity** `multiplies` multiplies; `workspaceByteCount` bytes of workspace; no allocation in `run`.
public struct ConvolutionPlan<Element: LapackScalar>: Sendable {
  /// The geometry of the dense convolution that the plan computes.
  public let geometry: ConvolutionGeometry
  /// The geometry of each stage, in the order they run; one for a dense kernel.
  public let stages: [ConvolutionGeometry]
  /// What happens to each element of the result.
  public let activation: Activation
  /// How the plan runs.
  public let options: ConvolutionOptions
  /// What the error bound needs of each stage, and the largest absolute element of the bias.
  let bounds: [StageBound]
  let largestBias: Double
  private let inputCount: Int
  private let outputCount: Int
  private var executor: Executor

  /// What runs the stages: the only one that holds their weights.
  private enum Executor: Sendable {
    case banded(BandedConvolution)
    case gemm(GEMMConvolution<Element>)
  }

  /// The banded run on kernels of our own, where it applies.
  var banded: BandedConvolution? {
    if case .banded(let banded) = executor { banded } else { nil }
  }

  /// A plan for a dense kernel.
  ///
  /// **Shapes** `kernel` [T, S / groups, D...], `bias` [T].
  ///
  /// **Traps** where a shape is not the geometry's, or the activation's bounds are not in order.
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
  /// **Traps** where the geometry has more than one group, its kernel shape is another, or the activation's bounds are not
  /// in order.
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
  /// **Traps** where the stages do not lead from S channels to T, a shape does not fit, or the activation's bounds are not
  /// in order.
  public init(
    _ geometry: ConvolutionGeometry, stages shapes: [StageShape], weights: [Tensor<Element>],
    bias: Tensor<Element>? = nil, activation: Activation = .none,
    options: ConvolutionOptions = ConvolutionOptions()
  ) {
    precondition(
      shapes.map(\.weightShape) == weights.map(\.shape), "weights of \(weights.map(\.shape)) for \(shapes)")
    precondition(
      bias == nil || bias?.count == geometry.outputChannels, "a bias of \(String(describing: bias?.shape))")
    precondition(activation.isOrdered, "\(activation): the bounds are not in order")
    self.geometry = geometry
    self.activation = activation
    self.options = options
    (inputCount, outputCount) = (geometry.inputShape.count, geometry.outputShape.count)
    stages = geometry.stages(shapes)
    bounds = weights.map { StageBound($0) }
    largestBias = bias?.elements.reduce(0) { max($0, abs(Double($1))) } ?? 0
    if options.backend == .automatic, let weights = weights as? [Tensor<Float>],
      let banded = BandedConvolution.planned(
        stages: stages, weights: weights, bias: bias as? Tensor<Float>, activation: activation,
        options: options)
    {
      executor = .banded(banded)
    } else {
      executor = .gemm(
        GEMMConvolution(
          stages: stages, weights: weights, bias: bias, activation: activation, threads: options.threads))
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

  /// Computes the convolution.
  ///
  /// **Shapes** `input` and `output` have the elements of `geometry.inputShape` and `outputShape`.
  ///
  /// **Traps** where a count differs or the workspace is too small.
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
    input.withUnsafeBufferPointer {
      run(input: $0, residual: UnsafeBufferPointer(start: nil, count: 0), output: &output, workspace)
    }
  }

  /// Computes the convolution and adds `residual` to it before the activation.
  ///
  /// **Shapes** `input` has the elements of `geometry.inputShape`, `residual` and `output` those of `outputShape`.
  ///
  /// **Traps** where a count differs or the workspace is too small.
  ///
  /// **Complexity** allocates nothing.
  #if compiler(<6.3)
    @_lifetime(output: copy output)
  #endif
  public func run(
    input: Span<Element>, adding residual: Span<Element>, output: inout MutableSpan<Element>,
    workspace: inout Workspace
  ) {
    precondition(
      residual.count == outputCount,
      "a residual of \(residual.count) elements for \(geometry.outputShape)")
    input.withUnsafeBufferPointer { input in
      residual.withUnsafeBufferPointer { residual in
        _ = run(input: input, residual: residual, output: &output, workspace)
      }
    }
  }

  private func run(
    input: UnsafeBufferPointer<Element>, residual: UnsafeBufferPointer<Element>,
    output: inout MutableSpan<Element>, _ workspace: borrowing Workspace
  ) -> Int {
    precondition(
      input.count == inputCount, "\(input.count) elements for \(geometry.inputShape)")
    precondition(
      output.count == outputCount, "\(output.count) elements for \(geometry.outputShape)")
    precondition(
      workspace.byteCount >= workspaceByteCount,
      "a workspace of \(workspace.byteCount) bytes for a plan that needs \(workspaceByteCount)")
    return output.withUnsafeMutableBufferPointer { output in
      guard let x = input.baseAddress, let y = output.baseAddress else { return 0 }
      switch executor {
      case .banded(let banded):
        return banded.run(
          input: UnsafeRawPointer(x).assumingMemoryBound(to: Float.self),
          residual: UnsafeRawPointer(residual.baseAddress)?.assumingMemoryBound(to: Float.self),
          output: UnsafeMutableRawPointer(y).assumingMemoryBound(to: Float.self), workspace: workspace)
      case .gemm(let gemm):
        return gemm.run(input: x, residual: residual.baseAddress, output: y, workspace: workspace)
      }
    }
  }

  /// Computes the convolution into a new tensor, with a workspace of its own.
  ///
  /// **Shapes** `input` of `geometry.inputShape`; the result of `geometry.outputShape`.
  ///
  /// **Complexity** two allocations besides those of `run`.
  public func run(_ input: Tensor<Element>) -> Tensor<Element> {
    precondition(input.shape == geometry.inputShape, "an input of \(input.shape), not \(geometry.inputShape)")
    var workspace = makeWorkspace()
    return Tensor(shape: geometry.outputShape) { output in
      input.withSpan { run(input: $0, output: &output, workspace: &workspace) }
    }
  }
}
