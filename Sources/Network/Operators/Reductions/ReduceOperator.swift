import Conv
import Maps
import ModelGraph
import Tensors

/// `ReduceMean` and its relatives: folds along axes, which an attribute or, later in the standard, an input names.
struct ReduceOperator: Operator {
  static let opTypes = Kind.allCases.map { "Reduce" + $0.rawValue }

  private enum Kind: String, CaseIterable {
    case mean = "Mean"
    case sum = "Sum"
    case maximum = "Max"
    case minimum = "Min"
    case product = "Prod"
    case l1 = "L1"
    case l2 = "L2"
    case sumSquare = "SumSquare"
    case logSum = "LogSum"
    case logSumExp = "LogSumExp"
  }

  private let kind: Kind
  private let axes: [Int]?
  private let keepsAxes: Bool
  private let noAxesMeansNothing: Bool

  init(_ node: NodeReader) throws(NetworkError) {
    guard let kind = Kind(rawValue: String(node.opType.dropFirst("Reduce".count))) else {
      throw node.failure("there is no such reduction")
    }
    self.kind = kind
    axes = try node.ints("axes")
    keepsAxes = try node.flag("keepdims", default: true)
    noAxesMeansNothing = try node.flag("noop_with_empty_axes")
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    var chosen = axes ?? []
    if let given = plan.optional(inputs, 1) { chosen = try plan.integers(given) }
    guard !chosen.isEmpty || !noAxesMeansNothing else { return [try pointwise(input, &plan)] }
    let axes = chosen.isEmpty ? Array(input.extents.indices) : try plan.axes(chosen, order: input.order)
    let name = keepsAxes ? outputs[0] : nil
    let reduced = try reduced(plan.stored(input), axes, for: name, &plan)
    return [keepsAxes ? reduced : try plan.without(axes, of: reduced)]
  }

  /// What remains of a reduction over nothing: the function of each element.
  private func pointwise(_ input: Value, _ plan: inout PlanBuilder) throws(LoweringStop) -> Value {
    switch kind {
    case .mean, .sum, .maximum, .minimum, .product, .logSumExp: return input
    default: return try reduced(plan.stored(input), [], for: nil, &plan)
    }
  }

  private func reduced(
    _ input: Value, _ axes: [Int], for name: String?, _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value {
    let count = axes.reduce(1) { $0 * input.extents[$1] }
    if input.kind == .integer { return try reducedIntegers(input, axes, count, for: name, &plan) }
    switch kind {
    case .mean: return try plan.reduced(input, axes, .sum, .quotient(Float(count)), for: name)
    case .sum: return try plan.reduced(input, axes, .sum, for: name)
    case .maximum: return try plan.reduced(input, axes, .maximum, for: name)
    case .minimum: return try plan.reduced(input, axes, .minimum, for: name)
    case .product: return try plan.reduced(input, axes, .product, for: name)
    case .l1: return try plan.reduced(input, axes, .absolutes, for: name)
    case .l2: return try plan.reduced(input, axes, .squares, .root(1), for: name)
    case .sumSquare: return try plan.reduced(input, axes, .squares, for: name)
    case .logSum: return try plan.reduced(input, axes, .sum, .logarithm, for: name)
    case .logSumExp: return try logSumExp(input, axes, for: name, &plan)
    }
  }

  /// log of the sum of e^x as m + log of the sum of e^(x - m), with m the largest x, so that nothing overflows; an
  /// infinite m becomes the largest float, beside which infinities stay what they are.
  private func logSumExp(
    _ input: Value, _ axes: [Int], for name: String?, _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value {
    let most = try plan.reduced(input, axes, .maximum)
    let largest = Double(Float.greatestFiniteMagnitude)
    try plan.apply(.activation(.clip(low: -largest, high: largest)), [most], to: most)
    let powers = try plan.make(input.extents, input.type, input.axisOrder)
    try plan.apply(.binary(.subtract), [input, most], to: powers)
    try plan.apply(.unary(.exponential), [powers], to: powers)
    let logarithm = try plan.reduced(powers, axes, .sum, .logarithm)
    let output = try plan.make(logarithm.extents, input.type, logarithm.axisOrder, for: name)
    try plan.apply(.binary(.add), [logarithm, most], to: output)
    return output
  }

  private func reducedIntegers(
    _ input: Value, _ axes: [Int], _ count: Int, for name: String?, _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value {
    if count == 0, kind == .maximum || kind == .minimum {
      var extents = input.extents
      for axis in axes { extents[axis] = 1 }
      let range = input.type.integerRange
      let bound = kind == .maximum ? range.lowerBound : range.upperBound
      return try plan.expanded(plan.known([bound], extents: [], type: input.type), to: extents)
    }
    switch kind {
    case .sum: return try plan.reduced(input, axes, .sum, for: name)
    case .maximum: return try plan.reduced(input, axes, .maximum, for: name)
    case .minimum: return try plan.reduced(input, axes, .minimum, for: name)
    case .product: return try plan.reduced(input, axes, .product, for: name)
    case .l1: return try plan.reduced(input, axes, .absolutes, for: name)
    case .sumSquare: return try plan.reduced(input, axes, .squares, for: name)
    case .mean:
      let sum = try plan.reduced(input, axes, .sum)
      let divisor = plan.known([count], extents: [], type: input.type)
      try plan.apply(.integerBinary(.divide), [sum, divisor], to: sum)
      return sum
    case .l2, .logSum, .logSumExp:
      let floats = try plan.converted(input, to: .float32)
      let result = try reduced(floats, axes, for: nil, &plan)
      return try plan.converted(result, to: input.type)
    }
  }
}

extension PlanBuilder {
  /// A fold along axes, which stay with an extent of 1.
  mutating func reduced(
    _ input: Value, _ axes: [Int], _ fold: ReductionRun.Fold, _ finish: ReductionRun.Finish = .quotient(1),
    for name: String? = nil
  ) throws(LoweringStop) -> Value {
    var extents = input.extents
    for axis in axes { extents[axis] = 1 }
    let order = input.axisOrder
    let output = try make(extents, input.type, order, for: name)
    let isOfIntegers = input.kind == .integer
    guard
      let run = ReductionRun(
        fold, finish: finish, ofIntegers: isOfIntegers, input: input.layout, output: output.layout,
        sums: order.strides(extents), threads: options.threads, variant: options.variant ?? .best)
    else { throw failure("more than \(StridedLoops.mostAxes) axes that cannot be gone through as one") }
    try add(reads: [input], writes: [output], scratch: run.workspaceByteCount, detail: "folded") { memory in
      if isOfIntegers {
        run.run(input: memory.integers(0), output: memory.integers(1), workspace: memory.bytes(2))
      } else {
        run.run(input: memory.floats(0), output: memory.floats(1), workspace: memory.bytes(2))
      }
    }
    return output
  }

  /// The value without axes of extent 1.
  func without(_ axes: [Int], of value: Value) throws(LoweringStop) -> Value {
    let rest = value.extents.indices.filter { !axes.contains($0) }
    var result = value
    result.layout = StridedShape(
      rest.map { value.extents[$0] }, strides: rest.map { value.layout.strides[$0] })
    return result
  }
}

extension DataType {
  /// The integers of the type, as far as they are ones of 64 bits: what the smallest and the largest of none are.
  fileprivate var integerRange: ClosedRange<Int> {
    switch self {
    case .bool: 0...1
    case .uint8, .uint16, .uint32: 0...(1 << (bitCount ?? 32) - 1)
    case .int8, .int16, .int32: -(1 << ((bitCount ?? 32) - 1))...(1 << ((bitCount ?? 32) - 1) - 1)
    case .uint64: 0...(.max)
    default: (.min)...(.max)
    }
  }
}
