import Maps
import ModelGraph
import Tensors

/// `Pad`: elements in front of and behind a tensor along its axes, or fewer of its own where a pad is negative.
struct PadOperator: Operator {
  static let opTypes = ["Pad"]

  private enum Mode: String, CaseIterable { case constant, reflect, edge, wrap }

  private let mode: Mode
  /// The pads of the attribute, before version 11.
  private let pads: [Int]?
  private let value: Float

  init(_ node: NodeReader) throws(NetworkError) {
    mode = try node.choice("mode", default: .constant)
    if node.opset < 11 {
      pads = try node.ints("pads")
      value = try node.float("value", default: 0)
      guard pads != nil else { throw node.failure("the attribute 'pads' is missing") }
    } else {
      (pads, value) = (nil, 0)
    }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    let given = if let pads { pads } else { try plan.integers(try plan.required(inputs, 1)) }
    var axes = Array(0..<input.order)
    if pads == nil, inputs.count > 3, let named = inputs[3] {
      axes = []
      for axis in try plan.integers(named) { axes.append(try plan.axis(axis, order: input.order)) }
    }
    guard given.count == 2 * axes.count, given.allSatisfy({ $0 > -(1 << 40) && $0 < 1 << 40 }) else {
      throw plan.failure("pads of \(given) for \(axes.count) axes")
    }
    var around = [(before: Int, after: Int)](repeating: (0, 0), count: input.order)
    for (place, axis) in axes.enumerated() {
      around[axis].before += given[place]
      around[axis].after += given[axes.count + place]
    }
    guard mode == .constant else { return [try repeated(input, around, &plan)] }
    var filling = plan.known(
      input.kind == .float
        ? NetworkTensor(Tensor(shape: [], repeating: value), type: input.type)
        : NetworkTensor(shape: [], integers: [Int(exactly: value) ?? 0], type: input.type), isPermanent: true)
    if pads == nil, inputs.count > 2, let constant = inputs[2] {
      guard constant.count == 1, constant.kind == input.kind else {
        throw plan.failure("a constant of \(constant.type) and \(constant.extents) around \(input.type)")
      }
      filling = constant.reshaped([]) ?? constant
      filling.contents = constant.contents
      if filling.buffer == nil { filling = plan.stored(constant).reshaped([]) ?? constant }
    }
    return [try filled(input, around, filling, outputs[0], &plan)]
  }

  /// The same number all around.
  private func filled(
    _ input: Value, _ around: [(before: Int, after: Int)], _ filling: Value, _ name: String,
    _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value {
    var extents: [Int] = []
    for (extent, pads) in zip(input.extents, around) { extents.append(extent + pads.before + pads.after) }
    try plan.requireRoom(extents, input.type)
    let output = try plan.make(extents, input.type, input.axisOrder, for: name)
    try plan.apply(
      input.kind == .float ? .unary(.copy) : .integerUnary(.copy), [filling], to: output, detail: "filled")
    var (source, target) = (plan.stored(input), output)
    for (axis, pads) in around.enumerated() {
      let (first, last) = (max(0, -pads.before), input.extents[axis] + min(0, pads.after))
      guard last > first else { return output }
      source = source.sliced(axis: axis, from: first, count: last - first)
      target = target.sliced(axis: axis, from: max(0, pads.before), count: last - first)
    }
    try plan.copy(source, to: target)
    return output
  }

  /// Elements of the tensor itself all around, axis after axis.
  private func repeated(
    _ input: Value, _ around: [(before: Int, after: Int)], _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value {
    var value = plan.stored(input)
    for (axis, pads) in around.enumerated() where pads != (0, 0) {
      // What is cut off is not repeated.
      let (first, last) = (max(0, -pads.before), value.extents[axis] + min(0, pads.after))
      guard last > first else { throw plan.failure("pads of \(pads) leave nothing of \(value.extents)") }
      value = value.sliced(axis: axis, from: first, count: last - first)
      var extents = value.extents
      let before = max(0, pads.before)
      extents[axis] += before + max(0, pads.after)
      guard extents[axis] > value.extents[axis] else { continue }
      try plan.requireRoom(extents, value.type)
      let wider = try plan.make(extents, value.type, value.axisOrder)
      for run in try runs(value.extents[axis], before: before, count: extents[axis], plan) {
        let source = value.sliced(axis: axis, from: run.source, count: run.count, step: run.step)
        try plan.copy(source, to: wider.sliced(axis: axis, from: run.target, count: run.count))
      }
      value = wider
    }
    return value
  }

  /// Neighbours of the result that are neighbours of the tensor, the same, or neighbours backwards.
  private struct Run {
    let target: Int
    let source: Int
    var step: Int
    var count: Int
  }

  /// The most runs along an axis.
  private static var mostRuns: Int { 1 << 12 }

  private func runs(
    _ extent: Int, before: Int, count: Int, _ plan: PlanBuilder
  ) throws(LoweringStop) -> [Run] {
    var runs: [Run] = []
    for target in 0..<count {
      let source = source(of: target - before, extent)
      if let last = runs.last {
        let step = source - (last.source + (last.count - 1) * last.step)
        if abs(step) <= 1, last.count == 1 || step == last.step {
          runs[runs.count - 1].step = step
          runs[runs.count - 1].count += 1
          continue
        }
      }
      runs.append(Run(target: target, source: source, step: 1, count: 1))
      guard runs.count <= Self.mostRuns else {
        throw plan.failure("a pad that goes through \(extent) elements more than \(Self.mostRuns) times")
      }
    }
    return runs
  }

  /// The index that stands for one outside.
  private func source(of index: Int, _ extent: Int) -> Int {
    switch mode {
    case .constant, .edge: return max(0, min(extent - 1, index))
    case .wrap: return (index % extent + extent) % extent
    case .reflect:
      guard extent > 1 else { return 0 }
      let period = 2 * (extent - 1)
      let place = (index % period + period) % period
      return place < extent ? place : period - place
    }
  }
}
