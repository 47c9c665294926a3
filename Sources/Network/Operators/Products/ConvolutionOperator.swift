import Conv
import Maps
import ModelGraph
import Synchronization
import Tensors

/// `Conv`, or a chain of them with their activations and a last addition: one chain of stages of `Conv`'s.
final class ConvolutionOperator: Operator {
  static let opTypes = ["Conv"]

  /// The layers in the order they run.
  let layers: [ConvolutionLayer]
  /// Whether the last input is added to the result, in front of the last activation.
  let addsResidual: Bool
  let options: ConvolutionOptions
  private let convolutions = Mutex<[[PaddingKey]: Convolution<Float>]>([:])

  private struct PaddingKey: Hashable {
    let before: [Int]
    let after: [Int]
  }

  init(layers: [ConvolutionLayer], addsResidual: Bool, options: ConvolutionOptions) {
    (self.layers, self.addsResidual, self.options) = (layers, addsResidual, options)
  }

  convenience init(_ node: NodeReader) throws(NetworkError) {
    guard node.isConstant(1), node.node.input(2) == nil || node.isConstant(2) else {
      throw node.failure("its weights are not constant")
    }
    guard let weights = try node.takeConstant(1)?.floats, weights.shape.order >= 3 else {
      throw node.failure("its weights are no floats of three axes or more")
    }
    let bias = try node.takeConstant(2)?.floats
    let groups = try node.int("group", default: 1)
    let window = try WindowGeometry(node, kernel: Array(weights.shape.extents.dropFirst(2)))
    guard groups >= 1, weights.count > 0, weights.shape[0] % groups == 0,
      bias == nil || bias?.count == weights.shape[0]
    else {
      throw node.failure("weights of \(weights.shape) for \(groups) groups, a bias of \(bias?.count ?? 0)")
    }
    let layer = ConvolutionLayer(
      weights: weights, bias: bias, activation: .none, groups: groups, window: window)
    self.init(layers: [layer], addsResidual: false, options: node.options.convolution)
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    guard let input = inputs[0], input.kind == .float, input.order == layers[0].weights.shape.order else {
      throw plan.failure("its input is \(inputs[0]?.extents ?? []), its weights \(layers[0].weights.shape)")
    }
    guard input.extents[1] == layers[0].weights.shape[1] * layers[0].groups else {
      throw plan.failure("an input of \(input.extents[1]) channels for weights of \(layers[0].weights.shape)")
    }
    var (paddings, extents) = ([StagePadding](), Array(input.extents.dropFirst(2)))
    for layer in layers {
      guard let padding = layer.padding(on: extents) else {
        throw plan.failure("a kernel of \(layer.weights.shape) is larger than an input of \(extents)")
      }
      paddings.append(padding)
      extents = padding.output
    }
    let convolution: Convolution<Float>
    do throws(ConvError) { convolution = try self.convolution(paddings) } catch {
      throw plan.failure("\(error)")
    }
    let residual = addsResidual ? inputs.last ?? nil : nil
    let shape = [input.extents[0], layers[layers.count - 1].weights.shape[0]] + extents
    guard let residual, residual.extents != shape else {
      return [try run(convolution, input, residual: residual, extents, outputs[0], &plan)]
    }
    return [try addedApart(input, residual, outputs[0], &plan)]
  }

  /// The convolution without its last activation, an addition that is broadcast, and the activation.
  private func addedApart(
    _ input: Value, _ residual: Value, _ name: String, _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value {
    var bare = layers
    let activation = bare[bare.count - 1].activation
    bare[bare.count - 1].activation = .none
    let alone = ConvolutionOperator(layers: bare, addsResidual: false, options: options)
    let sum = try alone.lower([input], outputs: [""], into: &plan)[0]
    guard let extents = broadcastExtents(sum.extents, residual.extents) else {
      throw plan.failure("\(residual.extents) added to \(sum.extents)")
    }
    let output = try plan.make(extents, .float32, sum.axisOrder, for: name)
    try plan.apply(.binary(.add), [sum, residual], to: output)
    if case .prelu(let slopes) = activation {
      let shape = [slopes.count] + extents.dropFirst(2).map { _ in 1 }
      let slopes = plan.known(
        NetworkTensor(Tensor(shape: Shape(shape), elements: slopes.map { Float($0) })), isPermanent: true)
      try plan.apply(.binary(.negativeSlope), [output, slopes], to: output)
    } else if activation != .none {
      try plan.apply(.activation(activation), [output], to: output)
    }
    return output
  }

  /// The convolution with some paddings; they are the same for all sizes unless the node leaves them to the size.
  private func convolution(_ paddings: [StagePadding]) throws(ConvError) -> Convolution<Float> {
    let key = paddings.map { PaddingKey(before: $0.before, after: $0.after) }
    if let known = convolutions.withLock({ $0[key] }) { return known }
    var stages: [ConvolutionStage<Float>] = []
    for (layer, padding) in zip(layers, paddings) { stages.append(try layer.stage(padding)) }
    let made = Convolution(stages, options: options)
    convolutions.withLock { $0[key] = made }
    return made
  }

  private func run(
    _ convolution: Convolution<Float>, _ input: Value, residual: Value?, _ extents: [Int], _ name: String,
    _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value {
    let channels = layers[layers.count - 1].weights.shape[0]
    let shape = [input.extents[0], channels] + extents
    let (input, inputLayout) = try plan.mapped(input)
    // What leaves the network is written as it has to lie there; a residual lies channel-last, and the output as it does.
    let order: AxisOrder = residual == nil && plan.leaving.contains(name) ? .rowMajor : .channelLast
    let placed = try plan.make(shape, .float32, order, for: name)
    guard shape.allSatisfy({ $0 > 0 }) else { return placed }
    // Beside others along a row or a column, maps lie as no convolution writes them.
    let output = placed.mapLayout == nil ? try plan.make(shape, .float32, .channelLast) : placed
    var added: Value?
    if let residual {
      guard residual.extents == shape else { throw plan.failure("\(residual.extents) added to \(shape)") }
      // The residual lies as the output does, or is brought there and added in place.
      if residual.layout == output.layout {
        added = residual
      } else {
        try plan.copy(residual, to: output)
        added = output
      }
    }
    let sized: ConvolutionPlan<Float>
    do throws(ConvError) {
      sized = try convolution.reshaped(
        batch: shape[0], inputExtents: Array(input.extents.dropFirst(2)), input: inputLayout,
        output: output.mapLayout ?? .channelLast)
    } catch { throw plan.failure("\(error)") }
    try plan.add(sized, of: input, adding: added, to: output)
    if output.buffer != placed.buffer { try plan.copy(output, to: placed) }
    return placed
  }
}

extension Value {
  /// How the maps lie, where convolutions can take them so; nil elsewhere.
  var mapLayout: MapLayout? {
    let strides = layout.strides
    guard order >= 3, !extents.contains(0) else { return nil }
    func lie(_ innermost: Int) -> Bool {
      // Positions lie in row-major order, `innermost` apart.
      var step = innermost
      for axis in (2..<order).reversed() {
        guard extents[axis] == 1 || strides[axis] == step else { return false }
        step *= extents[axis]
      }
      return true
    }
    let positions = extents.dropFirst(2).reduce(1, *)
    let images = extents[0] == 1 ? nil : strides[0]
    guard images.map({ $0 > 0 }) ?? true else { return nil }
    if extents[1] == 1 || strides[1] == 1 {
      // The first axis longer than 1 from behind tells how far neighbours are apart.
      let axis = (2..<order).last { extents[$0] > 1 }
      let pixel = axis.map { strides[$0] } ?? extents[1]
      if pixel >= extents[1], lie(pixel), images.map({ $0 >= positions * pixel }) ?? true {
        return MapLayout(.channelLast, stride: pixel, imageStride: images)
      }
    }
    let map = extents[1] == 1 ? positions : strides[1]
    if lie(1), map >= positions, images.map({ $0 >= extents[1] * map }) ?? true {
      return MapLayout(.channelFirst, stride: extents[1] == 1 ? positions : strides[1], imageStride: images)
    }
    return nil
  }
}

extension PlanBuilder {
  /// The value where convolutions can take it as it lies, or a channel-last copy.
  mutating func mapped(_ value: Value) throws(LoweringStop) -> (Value, MapLayout) {
    let value = stored(value)
    if let layout = value.mapLayout { return (value, layout) }
    let copy = try arranged(value, .channelLast)
    return (copy, copy.mapLayout ?? .channelLast)
  }
}
