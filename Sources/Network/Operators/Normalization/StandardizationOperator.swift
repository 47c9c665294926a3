import Maps
import ModelGraph
import Tensors

/// Normalizations by mean and variance along axes: over positions, groups of channels, or the last axes.
///
///     y = (x - mean) / sqrt(variance + epsilon) scale + shift
struct StandardizationOperator: Operator {
  static let opTypes = [
    "InstanceNormalization", "LayerNormalization", "GroupNormalization", "MeanVarianceNormalization",
  ]

  private enum Kind: Sendable {
    case instance
    case layer(axis: Int)
    case group(Int, scalesGroups: Bool)
    case axes([Int])
  }

  private let kind: Kind
  private let epsilon: Float

  init(_ node: NodeReader) throws(NetworkError) {
    switch node.opType {
    case "InstanceNormalization": kind = .instance
    case "LayerNormalization":
      kind = .layer(axis: try node.int("axis", default: -1))
      node.ignore("stash_type")
    case "GroupNormalization":
      let groups = try node.int("num_groups", default: 0)
      guard groups > 0 else { throw node.failure("\(groups) groups") }
      kind = .group(groups, scalesGroups: node.opset < 21)
      node.ignore("stash_type")
    default: kind = .axes(try node.ints("axes") ?? [0, 2, 3])
    }
    if case .axes = kind { epsilon = 0 } else { epsilon = try node.float("epsilon", default: 1e-5) }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = plan.stored(try plan.required(inputs, 0))
    guard input.kind == .float, input.order >= 1 else { throw plan.failure("an input of \(input.extents)") }
    let output = try plan.makeLike(input, input.type, for: outputs[0])
    switch kind {
    case .axes(let given):
      let axes = try plan.axes(given, order: input.order)
      let (_, inverse) = try plan.standardize(input, axes, epsilon: nil, to: output)
      try plan.apply(.binary(.multiply), [output, inverse], to: output)
    case .instance:
      guard input.order >= 2 else { throw plan.failure("an input of \(input.extents)") }
      let (_, inverse) = try plan.standardize(input, Array(2..<input.order), epsilon: epsilon, to: output)
      try scale(
        output, inverse, inputs, [input.extents[1]] + input.extents.dropFirst(2).map { _ in 1 }, &plan)
    case .group(let groups, let scalesGroups):
      try group(input, groups, scalesGroups, inputs, to: output, &plan)
    case .layer(let given):
      let axis = try plan.axis(given, order: input.order)
      let (mean, inverse) = try plan.standardize(
        input, Array(axis..<input.order), epsilon: epsilon, to: output)
      let shape = try plan.required(inputs, 1).extents
      try scale(output, inverse, inputs, shape, &plan)
      return [output, mean, inverse]
    }
    return [output]
  }

  /// Multiplies by the inverse deviation and the scale, and adds the shift where there is one.
  private func scale(
    _ output: Value, _ inverse: Value, _ inputs: [Value?], _ extents: [Int], _ plan: inout PlanBuilder
  ) throws(LoweringStop) {
    let scale = plan.stored(try plan.required(inputs, 1))
    guard let scale = scale.reshaped(extents), scale.kind == .float,
      broadcastExtents(extents, output.extents) == output.extents
    else { throw plan.failure("a scale of \(scale.extents) for \(output.extents)") }
    try plan.apply(.binary(.multiply), [output, inverse], to: output)
    guard let shift = plan.optional(inputs, 2) else {
      return try plan.apply(.binary(.multiply), [output, scale], to: output)
    }
    guard let shift = plan.stored(shift).reshaped(extents), shift.kind == .float else {
      throw plan.failure("a shift of \(shift.extents) for \(output.extents)")
    }
    try plan.apply(.multiplyAdd, [output, scale, shift], to: output)
  }

  private func group(
    _ input: Value, _ groups: Int, _ scalesGroups: Bool, _ inputs: [Value?], to output: Value,
    _ plan: inout PlanBuilder
  ) throws(LoweringStop) {
    guard input.order >= 2, input.extents[1] % groups == 0 else {
      throw plan.failure("\(groups) groups of \(input.extents)")
    }
    let inner = [input.extents[1] / groups] + input.extents.dropFirst(2)
    let extents = [input.extents[0], groups] + inner
    guard let source = input.reshaped(extents), let target = output.reshaped(extents) else {
      throw plan.failure("channels with gaps")
    }
    let (_, inverse) = try plan.standardize(source, Array(2..<extents.count), epsilon: epsilon, to: target)
    let ones = inner.dropFirst().map { _ in 1 }
    try scale(target, inverse, inputs, [groups, scalesGroups ? 1 : inner[0]] + ones, &plan)
  }
}

/// `RMSNormalization`: y = x / sqrt(mean of x^2 + epsilon) scale, along the last axes.
struct RootMeanSquareOperator: Operator {
  static let opTypes = ["RMSNormalization"]

  private let axis: Int
  private let epsilon: Float

  init(_ node: NodeReader) throws(NetworkError) {
    axis = try node.int("axis", default: -1)
    epsilon = try node.float("epsilon", default: 1e-5)
    node.ignore("stash_type")
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = plan.stored(try plan.required(inputs, 0))
    let axis = try plan.axis(self.axis, order: input.order)
    let (axes, scale) = (Array(axis..<input.order), try plan.required(inputs, 1))
    guard input.kind == .float, broadcastExtents(scale.extents, input.extents) == input.extents else {
      throw plan.failure("a scale of \(scale.extents) for \(input.extents)")
    }
    let count = axes.reduce(1) { $0 * input.extents[$1] }
    let inverse = try plan.reduced(input, axes, .squares, .quotient(Float(count)))
    try plan.invertRoot(inverse, epsilon)
    let output = try plan.makeLike(input, input.type, for: outputs[0])
    try plan.apply(.binary(.multiply), [input, inverse], to: output)
    try plan.apply(.binary(.multiply), [output, scale], to: output)
    return [output]
  }
}

/// `LpNormalization`: each line along an axis over its norm; lines of zeros stay what they are.
struct NormOperator: Operator {
  static let opTypes = ["LpNormalization"]

  private let axis: Int
  private let order: Int

  init(_ node: NodeReader) throws(NetworkError) {
    axis = try node.int("axis", default: -1)
    order = try node.int("p", default: 2)
    guard order == 1 || order == 2 else { throw node.failure("a norm of order \(order)") }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = plan.stored(try plan.required(inputs, 0))
    guard input.kind == .float else { throw plan.failure("an input of \(input.type)") }
    let axis = try plan.axis(self.axis, order: input.order)
    let norm =
      order == 1
      ? try plan.reduced(input, [axis], .absolutes) : try plan.reduced(input, [axis], .squares, .root(1))
    let least = plan.known(
      NetworkTensor(Tensor(shape: [], repeating: Float.leastNormalMagnitude)), isPermanent: false)
    try plan.apply(.binary(.maximum), [norm, least], to: norm)
    let output = try plan.makeLike(input, input.type, for: outputs[0])
    try plan.apply(.binary(.divide), [input, norm], to: output)
    return [output]
  }
}

extension PlanBuilder {
  /// Writes `x - mean` along axes, and gives the mean and `1 / sqrt(variance + epsilon)`, or, without epsilon,
  /// `1 / (sqrt(variance) + 1e-9)`. The variance is that of what was written, so that a large mean takes nothing from it.
  mutating func standardize(
    _ input: Value, _ axes: [Int], epsilon: Float?, to output: Value
  ) throws(LoweringStop) -> (mean: Value, inverse: Value) {
    let count = Float(axes.reduce(1) { $0 * input.extents[$1] })
    let mean = try reduced(input, axes, .sum, .quotient(count))
    try apply(.binary(.subtract), [input, mean], to: output)
    let inverse = try reduced(output, axes, .squares, epsilon == nil ? .root(count) : .quotient(count))
    if let epsilon {
      try invertRoot(inverse, epsilon)
    } else {
      let small = known(NetworkTensor(Tensor(shape: [], repeating: 1e-9)), isPermanent: false)
      try apply(.binary(.add), [inverse, small], to: inverse)
      try apply(.unary(.reciprocal), [inverse], to: inverse)
    }
    return (mean, inverse)
  }

  /// Replaces x by `1 / sqrt(x + epsilon)`.
  mutating func invertRoot(_ value: Value, _ epsilon: Float) throws(LoweringStop) {
    let small = known(NetworkTensor(Tensor(shape: [], repeating: epsilon)), isPermanent: false)
    try apply(.binary(.add), [value, small], to: value)
    try apply(.unary(.squareRoot), [value], to: value)
    try apply(.unary(.reciprocal), [value], to: value)
  }
}
