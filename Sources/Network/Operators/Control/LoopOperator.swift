import ModelGraph
import Tensors

/// `Loop`: a body run again and again, its results its next inputs; computed outside of plans.
///
/// **Throws** where it goes on for more than `mostIterations`, or what it gathers is over the limit of memory.
struct LoopOperator: Operator {
  static let opTypes = ["Loop"]

  /// The most iterations: a loop that a broken model never ends is an error instead.
  static var mostIterations: Int { 100_000 }

  private let body: BodyRunner
  private let captured: [String]
  private let carried: Int
  private let label: NodeLabel
  private let memoryLimit: Int

  init(_ node: NodeReader) throws(NetworkError) {
    let graph = try node.body("body")
    body = BodyRunner(graph, options: node.options)
    captured = node.captured
    carried = max(0, node.node.inputs.count - 2)
    label = NodeLabel(name: node.node.displayName, opType: node.opType)
    memoryLimit = node.options.memoryLimit
    guard node.node.inputs.count >= 2 else { throw node.failure("a loop without its two first inputs") }
    guard graph.inputs.count == carried + 2, graph.outputs.count > carried,
      graph.outputs.count - 1 == node.outputCount
    else {
      throw node.failure(
        "a body of \(graph.inputs.count) inputs and \(graph.outputs.count) outputs for \(carried) values")
    }
    try node.requireTensors(graph)
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    throw .outside { inputs throws(NetworkError) in try run(inputs) }
  }

  private func run(_ inputs: [NetworkTensor?]) throws(NetworkError) -> [NetworkTensor] {
    let declared = carried + 2
    let limit = inputs[0]?.integers?.first ?? .max
    var goesOn = inputs[1]?.integers.map { $0.first != 0 } ?? true
    var values: [String: NetworkTensor] = [:]
    for (name, tensor) in zip(captured, inputs.dropFirst(declared)) { values[name] = tensor }
    var state = inputs[2..<declared].compactMap { $0 }
    guard state.count == carried else { throw failure("an input is missing") }
    var stacks = [TensorStack](
      repeating: TensorStack(), count: body.graph.outputs.count - 1 - carried)
    var (iteration, bytes) = (0, 0)
    while iteration < limit, goesOn {
      guard iteration < Self.mostIterations else {
        throw failure("more than \(Self.mostIterations) iterations")
      }
      values[body.graph.inputs[0].name] = NetworkTensor(shape: [], integers: [iteration])
      values[body.graph.inputs[1].name] = NetworkTensor(shape: [], integers: [1], type: .bool)
      for (info, tensor) in zip(body.graph.inputs.dropFirst(2), state) { values[info.name] = tensor }
      let results = try body.run(values)
      goesOn = results[0].integers?.first != 0
      state = Array(results[1..<(1 + carried)])
      for (place, tensor) in results[(1 + carried)...].enumerated() {
        bytes += tensor.shape.count * 8
        guard bytes <= memoryLimit else {
          throw .memory(what: "what node '\(label.name)' gathers", byteCount: bytes, limit: memoryLimit)
        }
        guard stacks[place].append(tensor) else { throw failure("its results differ in shape") }
      }
      iteration += 1
    }
    return state + stacks.enumerated().map { $1.stacked(like: body.graph.outputs[1 + carried + $0]) }
  }

  private func failure(_ reason: String) -> NetworkError {
    .node(name: label.name, opType: label.opType, reason: reason)
  }
}

extension NodeReader {
  /// Checks that a body takes and makes tensors alone.
  func requireTensors(_ graph: LoadedGraph) throws(NetworkError) {
    for info in graph.inputs + graph.outputs {
      if case .other = info.type { throw failure("the value '\(info.name)' of its body is no tensor") }
    }
  }
}
