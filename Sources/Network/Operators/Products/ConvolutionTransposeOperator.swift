import Conv
import Maps
import ModelGraph
import Synchronization
import Tensors

/// `ConvTranspose`: ordinary convolutions, one for each place that an output can have between two inputs, whose results are
/// put in turn into the output.
final class ConvolutionTransposeOperator: Operator {
  static let opTypes = ["ConvTranspose"]

  /// What the convolutions come from.
  private struct Kernel: Sendable {
    let weights: Tensor<Float>
    let bias: Tensor<Float>?
    let parts: [TransposedPart]

    init(_ weights: Tensor<Float>, _ bias: Tensor<Float>?, _ groups: Int, _ window: WindowGeometry) {
      (self.weights, self.bias) = (weights, bias)
      parts = TransposedPart.parts(weights: weights, bias: bias, groups: groups, window)
    }
  }

  /// A convolution that has been made.
  private struct Key: Hashable {
    let part: Int
    let before: [Int]
    let after: [Int]
  }

  /// The most places that an output can have between two inputs, each a convolution of a millisecond to make: a stride of 45
  /// along two axes, where the largest of known networks is 32.
  private static var mostPhases: Int { 2048 }

  private let kernel: Kernel?
  private let groups: Int
  private let geometry: TransposedGeometry
  /// What happens to each element of the result.
  let activation: Activation
  private let options: ConvolutionOptions
  private let convolutions = Mutex<[Key: Convolution<Float>]>([:])

  init(_ node: NodeReader) throws(NetworkError) {
    groups = try node.int("group", default: 1)
    activation = .none
    let ofWeights = try node.constantExtents(1).map { Array($0.dropFirst(2)) }
    let given = try node.ints("kernel_shape")
    guard let extents = ofWeights ?? given ?? Self.kernelOfInput(node) else {
      throw node.failure("its weights are neither constant nor of known extents, nor has it a 'kernel_shape'")
    }
    geometry = try TransposedGeometry(node, kernel: extents)
    let phases = geometry.window.stride.reduce(CheckedInteger(1)) { $0 * CheckedInteger($1) }.value
    guard let phases, phases <= Self.mostPhases else {
      throw node.failure(
        "strides of \(geometry.window.stride): more than \(Self.mostPhases) convolutions of their own")
    }
    var options = node.options.convolution
    // Products of CBLAS depend on how threads share them; it takes over from three axes on.
    if extents.count > 2 { options.threads = 1 }
    self.options = options
    guard node.isConstant(1), node.node.input(2) == nil || node.isConstant(2) else {
      kernel = nil
      return
    }
    guard let weights = try node.takeConstant(1)?.floats else {
      throw node.failure("its weights are no floats")
    }
    let bias = try node.takeConstant(2)?.floats
    let limit = node.options.memoryLimit
    if let fault = Self.fault(weights, bias, groups, geometry.window, limit: limit) {
      throw node.failure(fault)
    }
    kernel = Kernel(weights, bias, groups, geometry.window)
  }

  private init(_ other: ConvolutionTransposeOperator, _ kernel: Kernel?, _ activation: Activation) {
    (groups, geometry, options) = (other.groups, other.geometry, other.options)
    (self.kernel, self.activation) = (kernel, activation)
  }

  /// The operator with an activation behind it; nil where there is one already, or it is not the same for all channels.
  func taking(_ activation: Activation) -> ConvolutionTransposeOperator? {
    if case .prelu = activation { return nil }
    return self.activation == .none ? ConvolutionTransposeOperator(self, kernel, activation) : nil
  }

  /// The output channels and the axes of the weights, where they are constant.
  var constantShape: (channels: Int, order: Int)? {
    kernel.map { ($0.weights.shape[1] * groups, $0.weights.shape.order) }
  }

  /// The operator with a scale and a shift of each output channel behind it; nil where there is an activation between, the
  /// weights are not constant, or there are not as many channels.
  func combined(_ affine: ChannelAffine) -> ConvolutionTransposeOperator? {
    guard activation == .none, let kernel, affine.fits(kernel.weights.shape[1] * groups) else { return nil }
    let (inputs, outputs) = (kernel.weights.shape[0] / groups, kernel.weights.shape[1])
    let taps = kernel.weights.count / (kernel.weights.shape[0] * outputs)
    var weights = kernel.weights
    if let scale = affine.scale {
      weights.withMutableSlice { elements in
        for i in 0..<elements.count {
          let row = i / taps
          elements[i] *= scale[row / (inputs * outputs) * outputs + row % outputs]
        }
      }
    }
    let bias = affine.bias(kernel.bias?.elements).map { Tensor(shape: [$0.count], elements: $0) }
    return ConvolutionTransposeOperator(self, Kernel(weights, bias, groups, geometry.window), .none)
  }

  /// The extents of weights that are an input of the network, where they are known.
  private static func kernelOfInput(_ node: NodeReader) -> [Int]? {
    let info = node.graph.inputs.first { $0.name == node.node.input(1) }
    let kernel = info?.extents?.dropFirst(2).compactMap { $0 }
    return kernel.flatMap { $0.count + 2 == info?.extents?.count ? $0 : nil }
  }

  /// What is wrong with weights and a bias; also where the kernel, with zeros between its taps, has no room in `limit` bytes.
  private static func fault(
    _ weights: Tensor<Float>, _ bias: Tensor<Float>?, _ groups: Int, _ window: WindowGeometry, limit: Int
  ) -> String? {
    let isSound = groups >= 1 && weights.shape.order >= 3
    let outputs = isSound ? (CheckedInteger(weights.shape[1]) * CheckedInteger(groups)).value ?? 0 : 0
    guard outputs > 0, weights.count > 0, weights.shape[0] % groups == 0,
      bias == nil || bias?.count == outputs
    else { return "weights of \(weights.shape) for \(groups) groups, a bias of \(bias?.count ?? 0)" }
    guard TransposedPart.byteCount(weights.shape, window) ?? .max > limit else { return nil }
    return "dilations of \(window.dilation) stretch its kernel to more than \(limit) bytes"
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    var kernel = kernel
    if kernel == nil {
      let weights = try plan.floats(try plan.required(inputs, 1))
      var bias: Tensor<Float>?
      if let given = plan.optional(inputs, 2) { bias = try plan.floats(given) }
      guard Array(weights.shape.extents.dropFirst(2)) == geometry.window.kernel else {
        throw plan.failure("weights of \(weights.shape) for a kernel of \(geometry.window.kernel)")
      }
      let limit = plan.options.memoryLimit
      if let fault = Self.fault(weights, bias, groups, geometry.window, limit: limit) {
        throw plan.failure(fault)
      }
      kernel = Kernel(weights, bias, groups, geometry.window)
    }
    guard let kernel, input.kind == .float, input.order == kernel.weights.shape.order,
      input.extents[1] == kernel.weights.shape[0]
    else { throw plan.failure("its input is \(input.extents), its weights \(kernel?.weights.shape ?? [])") }
    guard let placed = geometry.placed(on: Array(input.extents.dropFirst(2))) else {
      throw plan.failure("an input of \(input.extents) leaves no output")
    }
    let channels = kernel.weights.shape[1] * groups
    let output = try plan.make(
      [input.extents[0], channels] + placed.output, .float32, .channelLast, for: outputs[0])
    guard input.extents[0] > 0 else { return [output] }
    for (number, part) in kernel.parts.enumerated() {
      try lower(part, number, plan.stored(input), placed.before, to: output, &plan)
    }
    return [output]
  }

  /// Adds the convolution of a part, and the steps that put its phases into their places.
  private func lower(
    _ part: TransposedPart, _ number: Int, _ input: Value, _ before: [Int], to output: Value,
    _ plan: inout PlanBuilder
  ) throws(LoweringStop) {
    let stride = geometry.window.stride
    let ranges = part.phases.map { phase in
      phase.indices.map {
        TransposedPart.range(
          phase[$0], stride: stride[$0], before: before[$0], output: output.extents[$0 + 2])
      }
    }
    let used = ranges.indices.filter { ranges[$0].allSatisfy { !$0.isEmpty } }
    guard !used.isEmpty else { return }
    var (first, count) = ([Int](), [Int]())
    for axis in before.indices {
      let (low, high) = (
        used.reduce(Int.max) { min($0, ranges[$1][axis].lowerBound) },
        used.reduce(Int.min) { max($0, ranges[$1][axis].upperBound) }
      )
      first.append(low)
      count.append(high - low)
    }
    let channels = output.extents[1]
    // Beside others along a row or a column, maps lie as no convolution writes them.
    let isDirect = part.phases.count == 1 && stride.allSatisfy { $0 == 1 } && output.mapLayout != nil
    let result =
      isDirect
      ? output
      : try plan.make([output.extents[0], part.weights.shape[0]] + count, .float32, .channelLast)
    try convolve(part, number, input, first, to: result, &plan)
    guard !isDirect else { return }
    if let whole = interleaved(part, ranges, from: result, to: output) {
      return try plan.copy(whole.source, to: whole.target)
    }
    for phase in used {
      var source = result.sliced(axis: 1, from: phase * channels, count: channels)
      var target = output
      for axis in before.indices {
        let range = ranges[phase][axis]
        source = source.sliced(axis: axis + 2, from: range.lowerBound - first[axis], count: range.count)
        target = target.sliced(
          axis: axis + 2,
          from: range.lowerBound * stride[axis] + part.phases[phase][axis] - before[axis],
          count: range.count, step: stride[axis])
      }
      try plan.copy(source, to: target)
    }
  }

  /// All phases of a part and their places as two values of the same extents, `[N, rests..., T, q...]`, so that one step puts
  /// them there and those that end up side by side move together; nil where the phases differ in their q.
  private func interleaved(
    _ part: TransposedPart, _ ranges: [[Range<Int>]], from result: Value, to output: Value
  ) -> (source: Value, target: Value)? {
    let (stride, channels) = (geometry.window.stride, output.extents[1])
    let counts = Array(result.extents.dropFirst(2))
    guard part.phases.count == stride.reduce(1, *), ranges.allSatisfy({ $0 == ranges[0] }),
      Array(output.extents.dropFirst(2)) == zip(counts, stride).map({ $0 * $1 })
    else { return nil }
    let (from, to) = (result.layout.strides, output.layout.strides)
    var (source, target) = (result, output)
    // Phases are counted with the last rest fastest.
    let phases = Shape(stride).strides.map { $0 * channels * from[1] }
    let extents = [output.extents[0]] + stride + [channels] + counts
    source.layout = StridedShape(extents, strides: [from[0]] + phases + from[1...])
    let rests = Array(to[2...])
    let steps = zip(rests, stride).map { $0 * $1 }
    target.layout = StridedShape(extents, strides: [[to[0]], rests, [to[1]], steps].flatMap { $0 })
    return (source, target)
  }

  /// Adds the convolution for the q from `first` on.
  private func convolve(
    _ part: TransposedPart, _ number: Int, _ input: Value, _ first: [Int], to result: Value,
    _ plan: inout PlanBuilder
  ) throws(LoweringStop) {
    var (source, before, after) = (input, [Int](), [Int]())
    for axis in first.indices {
      // The inputs that are read, of which those outside are padding.
      let extent = input.extents[axis + 2]
      let low = first[axis] - part.most[axis]
      let high = first[axis] + result.extents[axis + 2] - part.least[axis]
      guard low < extent, high > 0 else { return try fill(result, part, &plan) }
      before.append(max(0, -low))
      after.append(max(0, high - extent))
      source = source.sliced(axis: axis + 2, from: max(0, low), count: min(high, extent) - max(0, low))
    }
    let (mapped, layout) = try plan.mapped(source)
    let sized: ConvolutionPlan<Float>
    do throws(ConvError) {
      sized = try convolution(part, Key(part: number, before: before, after: after)).reshaped(
        batch: mapped.extents[0], inputExtents: Array(mapped.extents.dropFirst(2)), input: layout,
        output: result.mapLayout ?? .channelLast)
    } catch { throw plan.failure("\(error)") }
    try plan.add(sized, of: mapped, to: result)
  }

  /// Adds what makes of outputs that read no input, as padding of the output can have them, what they are: the bias.
  private func fill(
    _ result: Value, _ part: TransposedPart, _ plan: inout PlanBuilder
  ) throws(LoweringStop) {
    let bias = part.bias?.elements ?? [Float](repeating: 0, count: result.extents[1])
    let shape = Shape([1, bias.count] + result.extents.dropFirst(2).map { _ in 1 })
    let value = plan.known(NetworkTensor(Tensor(shape: shape, elements: bias)), isPermanent: true)
    try plan.apply(.unary(.copy), [value], to: result)
    if activation != .none { try plan.apply(.activation(activation), [result], to: result) }
  }

  private func convolution(_ part: TransposedPart, _ key: Key) throws(ConvError) -> Convolution<Float> {
    // Weights that are not constant may be others the next time.
    if kernel != nil, let known = convolutions.withLock({ $0[key] }) { return known }
    let stage = try ConvolutionStage(
      weights: part.weights, bias: part.bias, activation: activation, paddingBefore: key.before,
      paddingAfter: key.after, groups: part.groups)
    let made = Convolution([stage], options: options)
    if kernel != nil { convolutions.withLock { $0[key] = made } }
    return made
  }
}
