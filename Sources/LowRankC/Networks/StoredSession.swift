internal import CLowRank
internal import Network
internal import Synchronization
internal import Tensors

/// What a `lowrank_session` handle stands for: calls from several threads take turns.
final class SessionObject: @unchecked Sendable {
  // Sendable because the state is touched by whose turn it is alone; what calls bring is no more sendable than they are.
  let network: Network
  private let turn = Mutex(())
  private var state: State

  /// The memory of the runs, and the last of them.
  fileprivate struct State {
    let session: Session
    var last: (key: NetworkCall.Key, run: PreparedRun)?
    /// Whether `last` has results.
    var hasRun = false
  }

  init(_ network: Network) {
    self.network = network
    state = State(session: network.makeSession())
  }

  static func of(_ handle: OpaquePointer?) throws(Failure) -> SessionObject {
    try HandleTable.object(handle, "session")
  }

  /// Runs the network and copies the outputs that are wanted.
  func run(_ call: NetworkCall) throws(Failure) {
    var elements: [ElementBuffer] = []
    for input in call.inputs { elements.append(try input.elements()) }
    try turn.withLock { _ throws(Failure) in try state.run(call, elements) }
  }

  /// Copies an output of the last run.
  func copy(
    _ index: Int32, _ type: lowrank_type, _ base: UnsafeMutableRawPointer?, _ count: Int
  ) throws(Failure) {
    try turn.withLock { _ throws(Failure) in
      let outputs = state.hasRun ? state.last?.run.outputs() ?? [] : []
      guard !outputs.isEmpty else { throw Failure(LOWRANK_INVALID_ARGUMENT, "the session has not run yet") }
      let output = outputs[try number(index, in: 0...(outputs.count - 1), "index")]
      let code = try ElementCode(type, "the result")
      let isInteger = if case .integers = output.elements { true } else { false }
      guard code.isInteger == isInteger else {
        throw Failure(
          LOWRANK_INVALID_ARGUMENT, "type is \(type.rawValue), but the output is of \(output.type)")
      }
      try requireCount(count, output.extents.reduce(1, *), "elements")
      try ElementBuffer(base, count: count, code, "elements").fill(from: output.elements)
    }
  }
}

extension SessionObject.State {
  /// Runs the network on the elements of a call's inputs and copies its outputs.
  fileprivate mutating func run(_ call: NetworkCall, _ elements: [ElementBuffer]) throws(Failure) {
    let run = try prepared(call)
    hasRun = false
    for (input, elements) in zip(call.inputs, elements) {
      if let memory = run.input(input.name) { elements.copy(to: memory) }
    }
    do throws(NetworkError) { try run.execute() } catch { throw Failure(error) }
    hasRun = true
    try deliver(run.outputs(), to: call.outputs, apart: elements)
  }

  /// Tells the caller of the outputs and copies those that are wanted.
  private func deliver(
    _ outputs: [OutputMemory], to arrays: [OutputArray], apart inputs: [ElementBuffer]
  ) throws(Failure) {
    var descriptions: [OutputArray.Description] = []
    var targets: [(elements: ElementBuffer, output: OutputMemory)] = []
    for (array, output) in zip(arrays, outputs) {
      let description = try array.description(of: output.type, output.extents)
      descriptions.append(description)
      if array.wantsElements { targets.append((try array.buffer(description.type), output)) }
    }
    try NetworkCall.requireApart(inputs, targets.map(\.elements))
    for (array, description) in zip(arrays, descriptions) { array.tell(description) }
    for (array, output) in zip(arrays, outputs) { try array.requireRoom(output.extents) }
    for target in targets { target.elements.fill(from: target.output.elements) }
  }

  /// The run for a call's shapes and outputs: the last one again, where they are the same.
  private mutating func prepared(_ call: NetworkCall) throws(Failure) -> PreparedRun {
    let key = call.key
    if let last, last.key == key { return last.run }
    let demand = key.inputs.values.reduce(0.0) { sum, shape in
      sum + 8 * shape.extents.reduce(1.0) { $0 * Double($1) }
    }
    try Limits.requireMemory(demand, for: "the network's inputs")
    do throws(NetworkError) {
      let run = try session.prepare(key.inputs, outputs: key.outputs)
      last = (key, run)
      return run
    } catch { throw Failure(error) }
  }
}
