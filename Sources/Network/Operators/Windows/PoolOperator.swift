import Maps
import Tensors

/// Pooling over windows: `MaxPool`, `AveragePool`, `LpPool`.
struct PoolOperator: Operator {
  static let opTypes = ["MaxPool", "AveragePool", "LpPool"]

  private enum Kind: Sendable {
    case maximum
    case mean(countsPadding: Bool)
    case norm(Int)
  }

  private let kind: Kind
  private let window: WindowGeometry

  init(_ node: NodeReader) throws(NetworkError) {
    switch node.opType {
    case "MaxPool": kind = .maximum
    case "AveragePool": kind = .mean(countsPadding: try node.flag("count_include_pad"))
    default: kind = .norm(try node.int("p", default: 2))
    }
    node.ignore("storage_order")
    window = try WindowGeometry(node, roundsUp: try node.flag("ceil_mode"))
    guard node.node.outputs.count < 2 || node.node.outputs[1].isEmpty else {
      throw node.failure("the indices of the largest elements are not there")
    }
    guard (1...3).contains(window.kernel.count) else {
      throw node.failure("windows over \(window.kernel.count) axes")
    }
  }

  /// Whether it is the largest element of windows that all lie inside.
  var isMaximumInside: Bool {
    guard case .maximum = kind else { return false }
    return window.pads.allSatisfy { $0 == 0 } && !window.roundsUp
      && (window.padding == .explicit || window.padding == .valid)
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let given = try plan.required(inputs, 0)
    guard given.kind == .float, given.order == window.kernel.count + 2,
      let placed = window.placed(on: Array(given.extents.dropFirst(2))),
      (placed.before + placed.after).allSatisfy({ $0 >= 0 })
    else {
      throw plan.failure("windows of \(window.kernel) over an input of \(given.type) \(given.extents)")
    }
    guard case .norm(let p) = kind else {
      let fold: PoolRun.Fold
      if case .mean(let countsPadding) = kind {
        fold = .mean(countsPadding: countsPadding)
      } else {
        fold = .maximum
      }
      return [try pooled(given, fold, placed, for: outputs[0], &plan)]
    }
    // (sum of |x|^p)^(1/p)
    let power = try plan.makeLike(given, given.type, for: "")
    try plan.apply(.unary(.absolute), [given], to: power)
    try plan.apply(.binary(.power), [power, plan.scalar(Float(p))], to: power)
    let sums = try pooled(power, .sum, placed, for: outputs[0], &plan)
    try plan.apply(.binary(.power), [sums, plan.scalar(1 / Float(p))], to: sums)
    return [sums]
  }

  private func pooled(
    _ given: Value, _ fold: PoolRun.Fold, _ placed: (before: [Int], after: [Int], output: [Int]),
    for name: String, _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value {
    let input = try plan.channelLast(given)
    let output = try plan.make(
      Array(given.extents.prefix(2)) + placed.output, given.type, .channelLast, for: name)
    let axes = placed.output.indices.map { axis in
      PoolRun.Axis(
        input: given.extents[axis + 2], output: placed.output[axis], kernel: window.kernel[axis],
        stride: window.stride[axis], dilation: window.dilation[axis], before: placed.before[axis],
        after: placed.after[axis])
    }
    let run = PoolRun(
      fold, axes, input: input.layout, output: output.layout, threads: plan.options.threads,
      variant: plan.options.variant ?? .best)
    try plan.add(reads: [input], writes: [output]) { memory in
      run.run(input: memory.floats(0), output: memory.floats(1))
    }
    return output
  }
}

/// Pooling over everything: `GlobalMaxPool`, `GlobalAveragePool`, `GlobalLpPool`.
struct GlobalPoolOperator: Operator {
  static let opTypes = ["GlobalMaxPool", "GlobalAveragePool"]

  private let fold: PoolRun.Fold

  init(_ node: NodeReader) throws(NetworkError) {
    fold = node.opType == "GlobalMaxPool" ? .maximum : .mean(countsPadding: false)
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let given = try plan.required(inputs, 0)
    guard given.kind == .float, (3...5).contains(given.order) else {
      throw plan.failure("an input of \(given.type) \(given.extents)")
    }
    let input = try plan.channelLast(given)
    let output = try plan.make(
      Array(given.extents.prefix(2)) + given.extents.dropFirst(2).map { _ in 1 }, given.type, .channelLast,
      for: outputs[0])
    let axes = given.extents.dropFirst(2).map {
      PoolRun.Axis(input: $0, output: 1, kernel: max(1, $0), stride: 1, dilation: 1, before: 0, after: 0)
    }
    let run = PoolRun(
      fold, axes, input: input.layout, output: output.layout, variant: plan.options.variant ?? .best)
    try plan.add(reads: [input], writes: [output]) { memory in
      run.run(input: memory.floats(0), output: memory.floats(1))
    }
    return [output]
  }
}

extension PlanBuilder {
  /// The value with its channels side by side: itself, whatever gaps there are between its pixels, or a copy.
  mutating func channelLast(_ value: Value) throws(LoweringStop) -> Value {
    let value = stored(value)
    if value.extents[1] == 1 || value.layout.strides[1] == 1 { return value }
    return try arranged(value, .channelLast)
  }

  /// A number as a value.
  func scalar(_ number: Float) -> Value {
    known(NetworkTensor(Tensor(shape: [], repeating: number)), isPermanent: true)
  }
}
