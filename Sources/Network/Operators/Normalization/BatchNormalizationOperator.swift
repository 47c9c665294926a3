import Maps
import ModelGraph
import Tensors

/// `BatchNormalization` with the statistics of training: one scale and one shift for each channel.
///
///     y = x s + t,  s = scale / sqrt(variance + epsilon),  t = shift - mean s
struct BatchNormalizationOperator: Operator {
  static let opTypes = ["BatchNormalization"]

  private let epsilon: Float
  private let constants: [Tensor<Float>]?

  init(_ node: NodeReader) throws(NetworkError) {
    epsilon = try node.float("epsilon", default: 1e-5)
    node.ignore("momentum")
    let trains = try node.flag("training_mode")
    let isSpatial = try node.flag("spatial", default: true)
    guard !trains, node.outputCount == 1 || node.node.outputs.dropFirst().allSatisfy(\.isEmpty) else {
      throw node.failure("it is to compute statistics as in training, which is not there")
    }
    guard isSpatial else { throw node.failure("statistics for each position are not there ('spatial' is 0)") }
    guard (1...4).allSatisfy({ node.isConstant($0) }) else {
      constants = nil
      return
    }
    var tensors: [Tensor<Float>] = []
    for place in 1...4 {
      guard let tensor = try node.takeConstant(place)?.floats else {
        throw node.failure("its statistics are no floats")
      }
      tensors.append(tensor)
    }
    guard tensors.allSatisfy({ $0.count == tensors[0].count }) else {
      throw node.failure("scales, shifts, means and variances of \(tensors.map(\.count)) elements")
    }
    constants = tensors
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    guard input.kind == .float, input.order >= 1 else { throw plan.failure("an input of \(input.extents)") }
    let channels = input.order == 1 ? 1 : input.extents[1]
    var statistics: [Value] = []
    for place in 1...4 {
      if let constants {
        statistics.append(plan.known(NetworkTensor(constants[place - 1]), isPermanent: true))
      } else {
        statistics.append(try plan.required(inputs, place))
      }
    }
    guard statistics.allSatisfy({ $0.count == channels && $0.kind == .float }) else {
      throw plan.failure("statistics of \(statistics.map(\.extents)) for \(channels) channels")
    }
    let (scale, shift) = try folded(statistics, channels, &plan)
    let output = try plan.makeLike(input, input.type, for: outputs[0])
    let alongChannels = [channels] + [Int](repeating: 1, count: max(0, input.order - 2))
    try plan.scaleAndShift(input, scale, shift, alongChannels, to: output)
    return [output]
  }

  /// The scale and the shift of each channel; nil where the statistics are computed.
  var affine: (scale: [Float], shift: [Float])? {
    guard let constants else { return nil }
    let (scales, shifts, means, variances) = (
      constants[0].elements, constants[1].elements, constants[2].elements, constants[3].elements
    )
    let factors = zip(scales, variances).map { Double($0) / (Double($1) + Double(epsilon)).squareRoot() }
    let offsets = zip(zip(shifts, means), factors).map { Double($0.0) - Double($0.1) * $1 }
    return (factors.map { Float($0) }, offsets.map { Float($0) })
  }

  /// The scale and the shift of each channel, computed at once where the statistics are known.
  private func folded(
    _ statistics: [Value], _ channels: Int, _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> (Value, Value) {
    if let affine {
      func value(_ numbers: [Float]) -> Value {
        plan.known(NetworkTensor(Tensor(shape: [channels], elements: numbers)), isPermanent: true)
      }
      return (value(affine.scale), value(affine.shift))
    }
    let small = plan.known(NetworkTensor(Tensor(shape: [], repeating: epsilon)), isPermanent: true)
    let (factor, offset) = (try plan.make([channels]), try plan.make([channels]))
    let flat = try statistics.map { value throws(LoweringStop) in
      guard let flat = try plan.arranged(value).reshaped([channels]) else {
        throw plan.failure("statistics with gaps")
      }
      return flat
    }
    try plan.apply(.binary(.add), [flat[3], small], to: factor)
    try plan.apply(.unary(.squareRoot), [factor], to: factor)
    try plan.apply(.binary(.divide), [flat[0], factor], to: factor)
    try plan.apply(.binary(.multiply), [flat[2], factor], to: offset)
    try plan.apply(.binary(.subtract), [flat[1], offset], to: offset)
    return (factor, offset)
  }
}

extension PlanBuilder {
  /// Adds `y = x scale + shift`, both scale and shift of some extents that are broadcast to those of the target.
  mutating func scaleAndShift(
    _ input: Value, _ scale: Value, _ shift: Value, _ extents: [Int], to output: Value
  ) throws(LoweringStop) {
    let (factor, offset) = (stored(scale), stored(shift))
    guard let factor = factor.reshaped(extents), let offset = offset.reshaped(extents) else {
      throw failure("a scale of \(scale.extents) for \(input.extents)")
    }
    try apply(.multiplyAdd, [stored(input), factor, offset], to: output, detail: "scaled and shifted")
  }
}
