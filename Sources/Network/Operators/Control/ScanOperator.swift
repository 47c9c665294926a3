import ModelGraph
import Tensors

/// `Scan`: a body run for each slice of some inputs, from version 9 on; computed outside of plans.
struct ScanOperator: Operator {
  static let opTypes = ["Scan"]

  private let body: BodyRunner
  private let captured: [String]
  private let label: NodeLabel
  private let scanned: Int
  private let carried: Int
  private let inputAxes: [Int]
  private let inputDirections: [Int]
  private let outputAxes: [Int]
  private let outputDirections: [Int]

  init(_ node: NodeReader) throws(NetworkError) {
    guard node.opset >= 9 else { throw node.failure("before version 9 it is another operator") }
    let graph = try node.body("body")
    body = BodyRunner(graph, options: node.options)
    captured = node.captured
    label = NodeLabel(name: node.node.displayName, opType: node.opType)
    scanned = try node.int("num_scan_inputs", default: 0)
    let outputs: Int
    guard scanned >= 1, scanned <= node.node.inputs.count, graph.inputs.count == node.node.inputs.count else {
      throw node.failure("\(scanned) of \(node.node.inputs.count) inputs are gone through")
    }
    carried = node.node.inputs.count - scanned
    outputs = graph.outputs.count - carried
    guard outputs >= 0, graph.outputs.count == node.outputCount else {
      throw node.failure("a body of \(graph.outputs.count) outputs for \(carried) values")
    }
    inputAxes = try node.ints("scan_input_axes") ?? [Int](repeating: 0, count: scanned)
    inputDirections = try node.ints("scan_input_directions") ?? [Int](repeating: 0, count: scanned)
    outputAxes = try node.ints("scan_output_axes") ?? [Int](repeating: 0, count: outputs)
    outputDirections = try node.ints("scan_output_directions") ?? [Int](repeating: 0, count: outputs)
    guard inputAxes.count == scanned, inputDirections.count == scanned, outputAxes.count == outputs,
      outputDirections.count == outputs
    else { throw node.failure("not as many axes or directions as inputs and outputs") }
    try node.requireTensors(graph)
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    var axes: [Int] = []
    for (place, axis) in inputAxes.enumerated() {
      let order = try plan.required(inputs, carried + place).order
      axes.append(try plan.axis(axis, order: order))
    }
    let inputAxes = axes
    let lengths = Set(inputAxes.enumerated().compactMap { inputs[carried + $0]?.extents[$1] })
    guard lengths.count == 1, let length = lengths.first else {
      throw plan.failure("its inputs are of different lengths: \(lengths.sorted())")
    }
    throw .outside { inputs throws(NetworkError) in try run(inputs, inputAxes, length) }
  }

  private func run(
    _ inputs: [NetworkTensor?], _ axes: [Int], _ length: Int
  ) throws(NetworkError) -> [NetworkTensor] {
    let names = body.graph.inputs.map(\.name)
    var values: [String: NetworkTensor] = [:]
    for (name, tensor) in zip(captured, inputs.dropFirst(names.count)) { values[name] = tensor }
    var state = inputs[..<carried].compactMap { $0 }
    let sources = inputs[carried..<names.count].compactMap { $0 }
    guard state.count == carried, sources.count == scanned else { throw failure("an input is missing") }
    var results = [[NetworkTensor]](repeating: [], count: outputAxes.count)
    for step in 0..<length {
      for (name, tensor) in zip(names, state) { values[name] = tensor }
      for (k, source) in sources.enumerated() {
        values[names[carried + k]] = source.slice(axes[k], inputDirections[k] == 0 ? step : length - 1 - step)
      }
      let made = try body.run(values)
      state = Array(made[..<carried])
      for k in outputAxes.indices { results[k].append(made[carried + k]) }
    }
    for (k, parts) in results.enumerated() { state.append(try stacked(parts, k)) }
    return state
  }

  private func stacked(_ parts: [NetworkTensor], _ k: Int) throws(NetworkError) -> NetworkTensor {
    var stack = TensorStack()
    for part in outputDirections[k] == 0 ? parts : parts.reversed() {
      guard stack.append(part) else { throw failure("its results differ in shape") }
    }
    let whole = stack.stacked(like: body.graph.outputs[carried + k])
    let axis = outputAxes[k] < 0 ? outputAxes[k] + whole.shape.order : outputAxes[k]
    guard axis >= 0, axis < whole.shape.order else { throw failure("there is no axis \(outputAxes[k])") }
    return whole.movingFirstAxis(to: axis)
  }

  private func failure(_ reason: String) -> NetworkError {
    .node(name: label.name, opType: label.opType, reason: reason)
  }
}
