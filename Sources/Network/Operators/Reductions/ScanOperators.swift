import Maps
import ModelGraph
import Tensors

/// `ArgMax` and `ArgMin`: the place of the largest or the least element along an axis.
struct ExtremumOperator: Operator {
  static let opTypes = ["ArgMax", "ArgMin"]

  private let isLeast: Bool
  private let axis: Int
  private let keepsAxis: Bool
  private let takesLast: Bool

  init(_ node: NodeReader) throws(NetworkError) {
    isLeast = node.opType == "ArgMin"
    axis = try node.int("axis", default: 0)
    keepsAxis = try node.flag("keepdims", default: true)
    takesLast = try node.flag("select_last_index")
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    let axis = try plan.axis(self.axis, order: input.order)
    guard input.extents[axis] > 0 else { throw plan.failure("an axis without elements") }
    var extents = input.extents
    extents[axis] = 1
    let output = try plan.make(extents, .int64, input.axisOrder)
    try plan.scan(
      .extremum(least: isLeast, last: takesLast, ofIntegers: input.kind == .integer), axis, input, to: output)
    return [keepsAxis ? output : try plan.without([axis], of: output)]
  }
}

/// `CumSum`: the sums of the elements so far along an axis.
struct RunningSumOperator: Operator {
  static let opTypes = ["CumSum"]

  private let excludesItself: Bool
  private let reverses: Bool

  init(_ node: NodeReader) throws(NetworkError) {
    excludesItself = try node.flag("exclusive")
    reverses = try node.flag("reverse")
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    let given = try plan.integers(try plan.required(inputs, 1))
    guard given.count == 1 else { throw plan.failure("\(given.count) axes") }
    let axis = try plan.axis(given[0], order: input.order)
    let output = try plan.makeLike(input, input.type, for: outputs[0])
    try plan.scan(
      .sum(excludesItself: excludesItself, reverses: reverses, ofIntegers: input.kind == .integer), axis,
      input,
      to: output)
    return [output]
  }
}

/// `Hardmax`: 1 at the first of the largest elements, else 0; before opset 13 over all axes from the given one on.
struct HardmaxOperator: Operator {
  static let opTypes = ["Hardmax"]

  private let axis: Int
  private let joinsAxes: Bool

  init(_ node: NodeReader) throws(NetworkError) {
    joinsAxes = node.opset < 13
    axis = try node.int("axis", default: node.opset < 13 ? 1 : -1)
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    guard input.kind == .float else { throw plan.failure("an input of \(input.type)") }
    let axis = try plan.axis(self.axis, order: input.order)
    guard joinsAxes else {
      let output = try plan.makeLike(input, input.type, for: outputs[0])
      try plan.scan(.hardmax, axis, input, to: output)
      return [output]
    }
    let rows = [input.extents[..<axis].reduce(1, *), input.extents[axis...].reduce(1, *)]
    let output = try plan.make(input.extents, input.type)
    guard let source = try plan.arranged(input).reshaped(rows), let target = output.reshaped(rows) else {
      throw plan.failure("an input with gaps")
    }
    try plan.scan(.hardmax, 1, source, to: target)
    return [output]
  }
}

/// `LRN`: each element over a power of the squares of its neighbours among the channels.
struct LocalResponseOperator: Operator {
  static let opTypes = ["LRN"]

  private let scan: ScanRun.Operation

  init(_ node: NodeReader) throws(NetworkError) {
    let size = try node.int("size", default: 0)
    guard size >= 1, size < 1 << 31 else { throw node.failure("a 'size' of \(size)") }
    scan = .response(
      before: (size - 1) / 2, after: size / 2, alpha: try node.float("alpha", default: 1e-4) / Float(size),
      beta: try node.float("beta", default: 0.75), bias: try node.float("bias", default: 1))
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    guard input.kind == .float, input.order >= 2 else { throw plan.failure("an input of \(input.extents)") }
    let output = try plan.makeLike(input, input.type, for: outputs[0])
    try plan.scan(scan, 1, input, to: output)
    return [output]
  }
}

extension PlanBuilder {
  /// Adds what is done along an axis.
  mutating func scan(
    _ operation: ScanRun.Operation, _ axis: Int, _ input: Value, to output: Value
  ) throws(LoweringStop) {
    let input = stored(input)
    let run = ScanRun(
      operation, axis: axis, input: input.layout, output: output.layout, threads: options.threads,
      variant: options.variant ?? .best)
    try add(reads: [input], writes: [output]) { memory in
      run.run(input: memory.bytes(0), output: memory.bytes(1))
    }
  }
}
