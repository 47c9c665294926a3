public import LinearAlgebra
internal import Synchronization
import Tensors

/// A chain of convolutions, created once and reshaped to any size: create, reshape, run.
///
///     let block = try Convolution([
///       ConvolutionStage(weights: depthwise, bias: b1, activation: .relu, paddingBefore: [1, 1], paddingAfter: [1, 1],
///         groups: 64),
///       ConvolutionStage(weights: pointwise, bias: b2, activation: .relu),
///     ])
///     let plan = try block.reshaped(inputExtents: [56, 56])
///     var workspace = plan.makeWorkspace()
///     plan.run(input: x, output: &y, workspace: &workspace)
///
/// The stages may be those of a factored layer or several layers one behind the other, each with a bias and an activation
/// of its own; they run as one chain of bands, so that the maps between them stay in the cache. The packed weights depend
/// neither on the size of the image nor on the number of images, and all plans share them.
///
/// A convolution may be reshaped from several threads at once.
///
/// **Complexity** creation copies no weights; each reshaping packs those layouts that no size before has asked for and works
/// out bands and workspace, which is remembered for the last sizes.
///
/// **Source** the three steps are those of XNNPACK's operators.
public final class Convolution<Element: LapackScalar>: Sendable {
  /// The convolutions in the order they run.
  public let stages: [ConvolutionStage<Element>]
  /// How they run.
  public let options: ConvolutionOptions
  let bounds: [StageBound]
  private let weights: Weights
  private let plans = Mutex<[(key: Size, plan: ConvolutionPlan<Element>)]>([])

  /// The weights in the form that the one executor reads.
  private enum Weights: Sendable {
    case banded(WeightStore)
    case gemm(GEMMWeights<Element>)
  }

  /// What a plan is made for.
  private struct Size: Hashable {
    let batch: Int
    let inputExtents: [Int]
    let input: MapLayout
    let output: MapLayout
  }

  /// The sizes that are remembered.
  private static var mostPlans: Int { 32 }

  /// A chain of stages, each reading what the one before it wrote.
  ///
  /// **Traps** where there is no stage, or one does not read as many channels over as many axes as the one before it writes.
  public init(_ stages: [ConvolutionStage<Element>], options: ConvolutionOptions = ConvolutionOptions()) {
    precondition(!stages.isEmpty, "a convolution of no stages")
    for (first, second) in zip(stages, stages.dropFirst()) {
      precondition(
        first.outputChannels == second.inputChannels && first.stride.count == second.stride.count,
        "a stage with weights of \(second.weights.shape) behind one with \(first.weights.shape)")
    }
    self.stages = stages
    self.options = options
    bounds = stages.map(StageBound.init)
    if options.backend == .automatic, let floats = stages as? [ConvolutionStage<Float>],
      let store = WeightStore(floats, variant: options.variant ?? .best)
    {
      weights = .banded(store)
    } else {
      let variant = options.backend == .automatic ? options.variant ?? .best : nil
      weights = .gemm(GEMMWeights(stages, variant: variant))
    }
  }

  /// A plan for images of some extents, whose weights are this convolution's.
  ///
  /// **Shapes** `inputExtents` has one number for each spatial axis; `input` and `output` say how the maps lie.
  ///
  /// **Throws** where a kernel is larger than the padded input of its stage, a number is out of range, or extents overflow.
  public func reshaped(
    batch: Int = 1, inputExtents: [Int], input: MapLayout = .channelFirst, output: MapLayout = .channelFirst
  ) throws(ConvError) -> ConvolutionPlan<Element> {
    let size = Size(batch: batch, inputExtents: inputExtents, input: input, output: output)
    if let known = plans.withLock({ $0.first { $0.key == size }?.plan }) { return known }
    var geometries: [ConvolutionGeometry] = []
    for stage in stages {
      geometries.append(
        try stage.geometry(batch: batch, inputExtents: geometries.last?.outputExtents ?? inputExtents))
    }
    let plan = try plan(geometries, input: input, output: output)
    plans.withLock { plans in
      if plans.count >= Self.mostPlans { plans.removeFirst() }
      plans.append((size, plan))
    }
    return plan
  }

  /// A plan for stages of known geometries.
  func plan(
    _ geometries: [ConvolutionGeometry], input: MapLayout = .channelFirst, output: MapLayout = .channelFirst
  ) throws(ConvError) -> ConvolutionPlan<Element> {
    let (first, last) = (geometries[0], geometries[geometries.count - 1])
    let ends = MapEnds(
      input: try MapStrides(
        input, batch: first.batch, channels: first.inputChannels, positions: first.inputPositions,
        of: "input"),
      output: try MapStrides(
        output, batch: last.batch, channels: last.outputChannels, positions: last.outputPositions,
        of: "output"))
    let executor: ConvolutionPlan<Element>.Executor =
      switch weights {
      case .banded(let store):
        .banded(BandedConvolution.planned(geometries, ends: ends, weights: store, options: options))
      case .gemm(let weights):
        .gemm(GEMMConvolution(geometries, ends: ends, weights: weights, threads: options.threads))
      }
    return ConvolutionPlan(self, geometries, ends, executor)
  }

  /// The number of layouts that weights are packed in so far, and their bytes.
  package var packedWeights: (count: Int, bytes: Int) {
    switch weights {
    case .banded(let store): store.contents
    case .gemm(let weights): weights.contents
    }
  }
}

extension Convolution {
  /// The chain of one layer, dense or factored: the bias and the activation on the last stage.
  ///
  /// **Shapes** one weight tensor of `weightShape` for each stage, `bias` [T].
  convenience init(
    _ geometries: [ConvolutionGeometry], weights: [Tensor<Element>], bias: Tensor<Element>?,
    activation: Activation, options: ConvolutionOptions
  ) {
    let last = geometries.count - 1
    self.init(
      zip(geometries.indices, weights).map { i, weights in
        ConvolutionStage(
          geometries[i], weights: weights, bias: i == last ? bias : nil,
          activation: i == last ? activation : .none)
      }, options: options)
  }
}
