import CLowRank
import Conv
import LowRankC
import Tensors
import TestSupport
import Testing

/// Chains and layouts by the C interface compute what the Swift ones do.
@Suite struct ChainCTests {
  /// The activations with the numbers and parameters of the header.
  private static let activations: [(code: lowrank_activation, activation: Activation)] = [
    (LOWRANK_NO_ACTIVATION, .none), (LOWRANK_RELU, .relu), (LOWRANK_CLIP, .clip(low: -0.5, high: 0.75)),
    (LOWRANK_LEAKY_RELU, .leakyReLU(slope: 0.3)), (LOWRANK_PRELU, .prelu(slopes: slopes)),
    (LOWRANK_SIGMOID, .sigmoid), (LOWRANK_SILU, .silu),
    (LOWRANK_HARD_SIGMOID, .hardSigmoid(slope: 0.3, offset: 0.6)), (LOWRANK_HARD_SWISH, .hardSwish),
    (LOWRANK_TANH, .tanh), (LOWRANK_GELU, .gelu), (LOWRANK_GELU_TANH, .geluTanh),
    (LOWRANK_ELU, .elu(alpha: 0.3)),
  ]
  private static let slopes = [0.1, -0.2, 0.3, 0.4, 0.5, 0.6]

  private let depthwise = randomTensor([6, 1, 3, 3], seed: 31)
  private let pointwise = randomTensor([5, 6, 1, 1], seed: 32)
  private let bias = randomTensor([6], seed: 33)

  private func stage(_ weights: Tensor<Float>, bias: Tensor<Float>? = nil, groups: Int32 = 1) -> lowrank_stage
  {
    var stage = lowrank_stage()
    stage.struct_size = MemoryLayout<lowrank_stage>.size
    stage.order = Int32(weights.shape.order)
    stage.groups = groups
    withUnsafeMutableBytes(of: &stage.shape) {
      $0.copyBytes(from: weights.shape.extents.map(Int64.init).withUnsafeBytes { [UInt8]($0) })
    }
    stage.weight_count = weights.count
    stage.bias_count = bias?.count ?? 0
    return stage
  }

  /// A plan for the depthwise stage with a padding of 1, a stride of 2, a bias and an activation, and the pointwise one.
  private func create(
    _ code: lowrank_activation, _ options: lowrank_plan_options, batch: Int64 = 1
  ) throws -> OpaquePointer? {
    var (first, second) = (stage(depthwise, bias: bias, groups: 6), stage(pointwise))
    (first.stride.0, first.stride.1) = (2, 2)
    (first.padding_before.0, first.padding_before.1) = (1, 1)
    (first.padding_after.0, first.padding_after.1) = (1, 1)
    first.activation = code
    (first.clip_low, first.clip_high, first.alpha, first.beta) = (-0.5, 0.75, 0.3, 0.6)
    var (options, plan): (lowrank_plan_options, OpaquePointer?) = (options, nil)
    options.struct_size = MemoryLayout<lowrank_plan_options>.size
    let status = depthwise.elements.withUnsafeBytes { a in
      pointwise.elements.withUnsafeBytes { b in
        bias.elements.withUnsafeBytes { c in
          Self.slopes.withUnsafeBufferPointer { d in
            (first.weights, first.bias, second.weights) = (a.baseAddress, c.baseAddress, b.baseAddress)
            (first.slopes, first.slope_count) = (d.baseAddress, d.count)
            return withUnsafePointer(to: first) { first in
              withUnsafePointer(to: second) { second in
                planCreateChainF32([first, second], 2, batch, [9, 7], 2, &options, &plan)
              }
            }
          }
        }
      }
    }
    try require(status)
    return plan
  }

  private func chain(_ activation: Activation) throws -> Convolution<Float> {
    Convolution([
      try ConvolutionStage(
        weights: depthwise, bias: bias, activation: activation, stride: [2, 2], paddingBefore: [1, 1],
        paddingAfter: [1, 1], groups: 6),
      try ConvolutionStage(weights: pointwise),
    ])
  }

  @Test(arguments: activations)
  func chainsAreThoseOfSwift(code: lowrank_activation, activation: Activation) throws {
    let plan = try create(code, lowrank_plan_options())
    defer { #expect(planDestroy(plan) == LOWRANK_OK) }
    let input = randomTensor([1, 6, 9, 7], seed: 34)
    let expected = try chain(activation).reshaped(inputExtents: [9, 7])
    #expect(try run(plan, input) == expected.run(input).elements)
    let info = try information(plan)
    #expect(info.multiplies == expected.multiplies && info.stage_count == 2)
  }

  /// One layer's options have the same activations.
  @Test(arguments: activations)
  func layersHaveTheirActivation(code: lowrank_activation, activation: Activation) throws {
    let kernel = randomTensor([6, 4, 3, 3], seed: 35)
    var (given, plan): (lowrank_geometry, OpaquePointer?) = (paddedGeometry([9, 7]), nil)
    var options = lowrank_plan_options()
    options.struct_size = MemoryLayout<lowrank_plan_options>.size
    options.activation = code
    (options.clip_low, options.clip_high, options.alpha, options.beta) = (-0.5, 0.75, 0.3, 0.6)
    let status = Self.slopes.withUnsafeBufferPointer { slopes in
      (options.slopes, options.slope_count) = (slopes.baseAddress, slopes.count)
      return planCreateF32(
        &given, kernel.elements, kernel.count, [6, 4, 3, 3], 4, bias.elements, 6, &options, &plan)
    }
    try require(status)
    defer { #expect(planDestroy(plan) == LOWRANK_OK) }
    let geometry = try ConvolutionGeometry(
      kernelShape: kernel.shape, inputExtents: [9, 7], paddingBefore: [1, 1], paddingAfter: [1, 1])
    let input = randomTensor([1, 4, 9, 7], seed: 36)
    let expected = ConvolutionPlan(geometry, kernel: kernel, bias: bias, activation: activation)
    #expect(try run(plan, input) == expected.run(input).elements)
  }

  @Test(
    arguments: [LOWRANK_CHANNEL_FIRST, LOWRANK_CHANNEL_LAST], [LOWRANK_CHANNEL_FIRST, LOWRANK_CHANNEL_LAST])
  func layoutsAreThoseOfSwift(input: lowrank_layout, output: lowrank_layout) throws {
    var options = lowrank_plan_options()
    (options.input_layout, options.output_layout) = (input, output)
    options.input_stride = 70
    options.output_stride = 23
    options.output_image_stride = 600
    let plan = try create(LOWRANK_SILU, options, batch: 2)
    defer { #expect(planDestroy(plan) == LOWRANK_OK) }
    let expected = try chain(.silu).reshaped(
      batch: 2, inputExtents: [9, 7],
      input: MapLayout(input == LOWRANK_CHANNEL_LAST ? .channelLast : .channelFirst, stride: 70),
      output: MapLayout(
        output == LOWRANK_CHANNEL_LAST ? .channelLast : .channelFirst, stride: 23, imageStride: 600))
    let info = try information(plan)
    #expect(info.input_count == expected.inputCount && info.output_count == expected.outputCount)
    // Two images whose elements go on from 0, the last of the second behind so many strides of the outer axis.
    let (outer, inner) = output == LOWRANK_CHANNEL_LAST ? (5 * 4, 5) : (5, 5 * 4)
    #expect(info.output_count == 600 + (outer - 1) * 23 + inner)
    let last = withUnsafeBytes(of: info.output_shape) { $0.bindMemory(to: Int64.self)[3] }
    #expect(last == (output == LOWRANK_CHANNEL_LAST ? 5 : 4))
    let elements = randomTensor([info.input_count], seed: 37)
    var (found, wanted) = (Self.marked(info.output_count), Self.marked(info.output_count))
    var workspace = expected.makeWorkspace()
    var span = wanted.mutableSpan
    expected.run(input: elements.elements.span, output: &span, workspace: &workspace)
    var scratch = [UInt8](repeating: 0, count: info.workspace_bytes)
    let count = scratch.count
    try require(
      planRunF32(plan, elements.elements, info.input_count, &found, info.output_count, &scratch, count))
    #expect(found == wanted && found.contains(Self.mark))
  }

  /// What gaps hold, and stays there.
  private static let mark: Float = 12345
  private static func marked(_ count: Int) -> [Float] { [Float](repeating: mark, count: count) }

  @Test func anActivationBehindAChainIsAnError() throws {
    var options = lowrank_plan_options()
    options.activation = LOWRANK_RELU
    #expect(throws: CFailure.self) { try create(LOWRANK_NO_ACTIVATION, options) }
  }
}
