import Conv
import Maps
import ModelGraph
import Tensors

/// `LSTM`, `GRU` and `RNN`: one product for the inputs of all steps, then a small one for each step.
final class RecurrentOperator: Operator {
  static let opTypes = ["LSTM", "GRU", "RNN"]

  private enum Direction: String, CaseIterable { case forward, reverse, bidirectional }

  /// Constant weights, ready for use.
  private struct Weights: Sendable {
    let inputs: [DenseProduct]
    /// `[H, gates H]` for each direction.
    let recurrent: [KnownContents]
    let inputSize: Int
  }

  private let cell: RecurrentRun.Cell
  private let direction: Direction
  private let functions: [RecurrentRun.Function]
  private let clip: Float?
  private let hiddenSize: Int?
  private let isBatchFirst: Bool
  private let weights: Weights?

  private var directions: Int { direction == .bidirectional ? 2 : 1 }

  init(_ node: NodeReader) throws(NetworkError) {
    var standard = ["Tanh"]
    switch node.opType {
    case "LSTM":
      cell = .lstm(couplesForget: try node.flag("input_forget"))
      standard = ["Sigmoid", "Tanh", "Tanh"]
    case "GRU":
      cell = .gru(linearBeforeReset: try node.flag("linear_before_reset"))
      standard = ["Sigmoid", "Tanh"]
    default: cell = .simple
    }
    direction = try node.choice("direction", default: .forward)
    functions = try RecurrentRun.Function.all(
      node, standard: standard, directions: direction == .bidirectional ? 2 : 1)
    clip = node.has("clip") ? try node.float("clip", default: 0) : nil
    hiddenSize = node.has("hidden_size") ? try node.int("hidden_size", default: 0) : nil
    isBatchFirst = try node.flag("layout")
    node.ignore("output_sequence")
    guard node.isConstant(1), node.isConstant(2) else {
      weights = nil
      return
    }
    guard let w = try node.takeConstant(1)?.floats, let r = try node.takeConstant(2)?.floats else {
      throw node.failure("its weights are no floats")
    }
    let count = direction == .bidirectional ? 2 : 1
    let width = r.shape.order == 3 ? r.shape[2] * cell.gates : 0
    guard w.shape.order == 3, width > 0, w.shape[2] > 0, w.shape[0] == count, w.shape[1] == width,
      r.shape.extents == [count, width, r.shape[2]]
    else { throw node.failure("weights of \(w.shape) and \(r.shape)") }
    let (rows, states) = (w.elements, r.elements)
    var (inputs, recurrent) = ([DenseProduct](), [KnownContents]())
    for k in 0..<count {
      let (size, hidden) = (w.shape[2], r.shape[2])
      let matrix = Tensor<Float>(
        shape: [width, size], elements: rows[k * width * size..<(k + 1) * width * size])
      let state = Tensor<Float>(
        shape: [width, hidden], elements: states[k * width * hidden..<(k + 1) * width * hidden])
      do throws(ConvError) {
        inputs.append(try DenseProduct(weights: matrix, bias: nil, options: node.options.convolution))
      } catch { throw node.failure("\(error)") }
      recurrent.append(KnownContents(NetworkTensor(state.permuted([1, 0])), isPermanent: true))
    }
    weights = Weights(inputs: inputs, recurrent: recurrent, inputSize: w.shape[2])
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let given = plan.stored(try plan.required(inputs, 0))
    guard given.kind == .float, given.order == 3 else { throw plan.failure("an input of \(given.extents)") }
    let input = try plan.arranged(isBatchFirst ? given.permuted([1, 0, 2]) : given)
    let (steps, rows) = (input.extents[0], input.extents[1])
    let size = try hiddenSize(inputs, input, &plan)
    let all = try plan.make([steps, directions, rows, size])
    let state = try plan.make([directions, rows, size])
    let memory = try plan.make([directions, rows, size])
    for k in 0..<directions {
      try lower(k, input, inputs, size, all, state, memory, &plan)
    }
    func outer(_ value: Value) -> Value { isBatchFirst ? value.permuted([1, 0, 2]) : value }
    let results = [isBatchFirst ? all.permuted([2, 0, 1, 3]) : all, outer(state), outer(memory)]
    return Array(results.prefix(outputs.count))
  }

  private func hiddenSize(
    _ inputs: [Value?], _ input: Value, _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Int {
    if let weights {
      guard weights.inputSize == input.extents[2] else {
        throw plan.failure("an input of \(input.extents) for weights of \(weights.inputSize) columns")
      }
      return try checked(weights.recurrent[0].tensor.shape[0], plan)
    }
    let (w, r) = (try plan.required(inputs, 1), try plan.required(inputs, 2))
    let size = r.extents.last ?? 0
    guard w.kind == .float, r.kind == .float, size > 0,
      w.extents == [directions, cell.gates * size, input.extents[2]],
      r.extents == [directions, cell.gates * size, size]
    else { throw plan.failure("weights of \(w.extents) and \(r.extents) for \(input.extents)") }
    return try checked(size, plan)
  }

  private func checked(_ size: Int, _ plan: PlanBuilder) throws(LoweringStop) -> Int {
    guard hiddenSize == nil || hiddenSize == size else {
      throw plan.failure("a 'hidden_size' of \(hiddenSize ?? 0) for weights of \(size)")
    }
    return size
  }

  /// Adds one direction.
  private func lower(
    _ k: Int, _ input: Value, _ inputs: [Value?], _ size: Int, _ all: Value, _ state: Value, _ memory: Value,
    _ plan: inout PlanBuilder
  ) throws(LoweringStop) {
    let (steps, rows) = (input.extents[0], input.extents[1])
    let width = cell.gates * size
    guard let matrix = input.reshaped([steps * rows, input.extents[2]]) else { throw plan.failure("gaps") }
    let (gates, recurrent): (Value, Value)
    if let weights {
      gates = try weights.inputs[k].lower(matrix, for: "", &plan)
      recurrent = plan.stored(Value(weights.recurrent[k]))
    } else {
      let (w, r) = (plan.stored(try plan.required(inputs, 1)), plan.stored(try plan.required(inputs, 2)))
      func transposed(_ value: Value) throws(LoweringStop) -> Value {
        try plan.without([0], of: value.sliced(axis: 0, from: k, count: 1)).permuted([1, 0])
      }
      gates = try plan.product(matrix, try transposed(w), for: "")
      recurrent = try plan.arranged(try transposed(r))
    }
    let (h, c) = (state.sliced(axis: 0, from: k, count: 1), memory.sliced(axis: 0, from: k, count: 1))
    try begin(plan.optional(inputs, 5), k, h, &plan)
    var optional: [Value?] = [nil, nil, nil]
    optional[0] = try part(plan.optional(inputs, 3), k, [directions, 2 * width], &plan)
    if let lengths = plan.optional(inputs, 4) {
      guard lengths.kind == .integer, lengths.extents == [rows] else {
        throw plan.failure("lengths of \(lengths.extents) for \(rows) rows")
      }
      optional[1] = try plan.arranged(lengths)
    }
    if case .lstm = cell {
      try begin(plan.optional(inputs, 6), k, c, &plan)
      optional[2] = try part(plan.optional(inputs, 7), k, [directions, 3 * size], &plan)
    }
    let count = functions.count / directions
    let run = RecurrentRun(
      cell, steps: steps, rows: rows, size: size, outputStride: directions * rows * size,
      reverses: direction == .reverse || k == 1, clip: clip,
      functions: Array(functions[k * count..<(k + 1) * count]), variant: plan.options.variant ?? .best)
    let target = all.sliced(axis: 1, from: k, count: 1)
    // The gates and the state are changed in place.
    var places: [Int?] = []
    var reads = [recurrent]
    for value in optional {
      places.append(value == nil ? nil : reads.count)
      if let value { reads.append(value) }
    }
    let first = reads.count
    let known = places
    try plan.add(
      reads: reads, writes: [gates, h, c, target], scratch: 16 * size, detail: "\(steps) steps",
      multiplies: steps * rows * width * size
    ) { memory in
      run.run(
        .init(
          gates: memory.floats(first), weights: memory.floats(0), bias: known[0].map { memory.floats($0) },
          lengths: known[1].map { memory.integers($0) }, peepholes: known[2].map { memory.floats($0) },
          state: memory.floats(first + 1), cell: memory.floats(first + 2), output: memory.floats(first + 3),
          scratch: memory.floats(first + 4)))
    }
  }

  /// Writes the state of the beginning: zeros, or what is given.
  private func begin(
    _ given: Value?, _ k: Int, _ target: Value, _ plan: inout PlanBuilder
  ) throws(LoweringStop) {
    guard let given else {
      let zero = plan.known(NetworkTensor(Tensor<Float>(shape: [])), isPermanent: false)
      return try plan.copy(zero, to: target)
    }
    let value = plan.stored(
      isBatchFirst && given.order == 3 ? plan.stored(given).permuted([1, 0, 2]) : given)
    guard value.kind == .float, value.extents == [directions] + target.extents.dropFirst() else {
      throw plan.failure("a first state of \(given.extents)")
    }
    try plan.copy(value.sliced(axis: 0, from: k, count: 1), to: target)
  }

  /// One direction's part of an input, without gaps.
  private func part(
    _ given: Value?, _ k: Int, _ extents: [Int], _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value? {
    guard let given else { return nil }
    guard given.kind == .float, given.extents == extents else {
      throw plan.failure("an input of \(given.extents), where \(extents) is needed")
    }
    return try plan.arranged(plan.stored(given).sliced(axis: 0, from: k, count: 1))
  }
}
