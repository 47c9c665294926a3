import LinearAlgebra
import Tensors
import Testing

@testable import Conv

/// A chain of stages with its numbers, to be reshaped, run, and held against the definition of each stage in Double.
struct ChainCase<E: LapackScalar> {
  let stages: [ConvolutionStage<E>]
  let batch: Int
  let inputExtents: [Int]
  let input: Tensor<E>
  let residual: Tensor<E>?
  let note: String

  /// Draws numbers for a chain of `stages`; half of the chains have integers alone.
  init(
    _ shapes: [ChainStage], batch: Int, inputExtents: [Int], activations: [Activation],
    _ cases: inout GeneratedCases, note: String = ""
  ) throws {
    let integers = cases.number(0...1) == 0
    func draw(_ shape: Shape) -> Tensor<E> { integers ? cases.integers(shape) : cases.tensor(shape) }
    self.batch = batch
    self.inputExtents = inputExtents
    self.note = note
    var stages: [ConvolutionStage<E>] = []
    for (shape, activation) in zip(shapes, activations) {
      let outputs = shape.weights[0]
      var own = activation
      if case .prelu = activation {
        own = .prelu(slopes: (0..<outputs).map { _ in Double(cases.number(-2...2)) / 4 })
      }
      let bias: Tensor<E>? = cases.number(0...3) > 0 ? draw([outputs]) : nil
      stages.append(
        try ConvolutionStage(
          weights: draw(shape.weights), bias: bias, activation: own, stride: shape.stride,
          dilation: shape.dilation, paddingBefore: shape.before, paddingAfter: shape.after,
          groups: shape.groups))
    }
    self.stages = stages
    let plan = try Convolution(stages).reshaped(batch: batch, inputExtents: inputExtents)
    input = draw(plan.inputShape)
    residual = cases.number(0...1) == 0 ? draw(plan.outputShape) : nil
  }

  /// Runs `convolution`, which has these stages, from and into maps that lie as asked; records what is wrong.
  func check(
    _ convolution: Convolution<E>, input inputLayout: MapLayout = .channelFirst,
    output outputLayout: MapLayout = .channelFirst, residualInPlace: Bool = false
  ) throws {
    let plan = try convolution.reshaped(
      batch: batch, inputExtents: inputExtents, input: inputLayout, output: outputLayout)
    let run = GuardedMaps(plan, input: inputLayout, output: outputLayout)
    let result = run.run(input, adding: residual, inPlace: residualInPlace)
    if let fault = definition(plan).fault(in: result) {
      let way = "\(plan.options) \(inputLayout) to \(outputLayout), in place \(residualInPlace)"
      Issue.record("\(fault); \(plan.stages) \(stages.map(\.activation)) \(way) \(note)\n\(plan.explain)")
    }
  }

  private func definition(_ plan: ConvolutionPlan<E>) -> StageOracle {
    var oracle = StageOracle(doubles(input), unit: Double(E.ulpOfOne) / 2)
    for (i, geometry) in plan.stages.enumerated() {
      let (stage, positions) = (stages[i], geometry.outputPositions)
      func channel(_ element: Int) -> Int { element / positions % geometry.outputChannels }
      oracle.apply(geometry, weights: doubles(stage.weights), form: plan.winogradForm(ofStage: i))
      if let bias = stage.bias {
        let elements = doubles(bias)
        oracle.add((0..<geometry.outputShape.count).map { elements[channel($0)] })
      }
      if i == plan.stages.count - 1, let residual { oracle.add(doubles(residual)) }
      oracle.activate(stage.activation, channel: channel)
    }
    return oracle
  }

  private func doubles(_ tensor: Tensor<E>) -> [Double] { tensor.elements.map { Double($0) } }
}

/// The numbers of a stage besides its weights, over two axes.
struct ChainStage {
  var weights: Shape
  var groups = 1
  var stride = [1, 1]
  var dilation = [1, 1]
  var before = [0, 0]
  var after = [0, 0]

  static func pointwise(_ inputs: Int, _ outputs: Int) -> ChainStage {
    ChainStage(weights: [outputs, inputs, 1, 1])
  }

  static func depthwise(_ channels: Int, _ side: Int = 3, stride: Int = 1) -> ChainStage {
    let padding = [side / 2, side / 2]
    return ChainStage(
      weights: [channels, 1, side, side], groups: channels, stride: [stride, stride], before: padding,
      after: padding)
  }

  /// A kernel along one axis: down the rows, or along a row.
  static func line(_ inputs: Int, _ outputs: Int, _ side: Int, down: Bool) -> ChainStage {
    let padding = down ? [side / 2, 0] : [0, side / 2]
    return ChainStage(
      weights: down ? [outputs, inputs, side, 1] : [outputs, inputs, 1, side], before: padding, after: padding
    )
  }

  static func square(_ inputs: Int, _ outputs: Int, _ side: Int = 3, stride: Int = 1) -> ChainStage {
    let padding = [side / 2, side / 2]
    return ChainStage(
      weights: [outputs, inputs, side, side], stride: [stride, stride], before: padding, after: padding)
  }
}

/// Memory for the maps of a plan with marks before, between and behind the elements that the layouts name.
struct GuardedMaps<E: LapackScalar> {
  private let plan: ConvolutionPlan<E>
  private let input: MapStrides
  private let output: MapStrides
  private let inputGeometry: ConvolutionGeometry
  private let outputGeometry: ConvolutionGeometry
  private let mark = E(12_345)
  private let guardCount = 32

  init(_ plan: ConvolutionPlan<E>, input: MapLayout, output: MapLayout) {
    self.plan = plan.withRedZones(ofBytes: 1024)
    (inputGeometry, outputGeometry) = (plan.stages[0], plan.stages[plan.stages.count - 1])
    self.input = Self.strides(input, inputGeometry.inputShape)
    self.output = Self.strides(output, outputGeometry.outputShape)
  }

  private static func strides(_ layout: MapLayout, _ shape: Shape) -> MapStrides {
    let positions = shape.extents.dropFirst(2).reduce(1, *)
    guard
      let strides = try? MapStrides(
        layout, batch: shape[0], channels: shape[1], positions: positions, of: "test")
    else { preconditionFailure("\(layout) for \(shape)") }
    return strides
  }

  /// The places of the elements of `shape`, in row-major order of [N, C, positions].
  private func places(_ strides: MapStrides, _ shape: Shape) -> [Int] {
    let positions = shape.extents.dropFirst(2).reduce(1, *)
    return (0..<shape.count).map { i in
      let (p, c, n) = (i % positions, i / positions % shape[1], i / positions / shape[1])
      return guardCount + n * strides.image + c * strides.channel + p * strides.position
    }
  }

  /// The result in row-major order; records an issue where a mark is gone.
  func run(_ tensor: Tensor<E>, adding residual: Tensor<E>?, inPlace: Bool) -> Tensor<E> {
    let (from, to) = (places(input, inputGeometry.inputShape), places(output, outputGeometry.outputShape))
    var source = [E](repeating: .nan, count: input.span + 2 * guardCount)
    for (place, element) in zip(from, tensor.elements) { source[place] = element }
    var added = [E](repeating: .nan, count: output.span + 2 * guardCount)
    for (place, element) in zip(to, residual?.elements ?? []) { added[place] = element }
    var target = [E](repeating: mark, count: output.span + 2 * guardCount)
    for place in to { target[place] = inPlace && residual != nil ? added[place] : .nan }
    var workspace = plan.makeWorkspace()
    fill(workspace, plan.layout, with: E.nan)
    let x = source.span.extracting(guardCount..<(guardCount + input.span))
    let r = added.span.extracting(guardCount..<(guardCount + output.span))
    target.withUnsafeMutableBufferPointer { buffer in
      var y = UnsafeMutableBufferPointer(rebasing: buffer[guardCount..<(guardCount + output.span)])
        .mutableSpan
      if residual == nil {
        plan.run(input: x, output: &y, workspace: &workspace)
      } else if inPlace {
        plan.run(input: x, addingTo: &y, workspace: &workspace)
      } else {
        plan.run(input: x, adding: r, output: &y, workspace: &workspace)
      }
    }
    let result = Tensor(shape: outputGeometry.outputShape, elements: to.map { target[$0] })
    for place in to { target[place] = mark }
    #expect(target.allSatisfy { $0 == mark }, "\(plan.stages) \(output) wrote outside its output")
    #expect(damagedRedZone(workspace, plan.layout) == nil, "\(plan.stages) left a region of its workspace")
    return result
  }
}
