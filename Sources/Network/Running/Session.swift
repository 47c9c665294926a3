import ModelGraph
import Tensors

/// The memory that a network runs in, kept from run to run.
///
/// A session runs one input at a time; several sessions of the same network run side by side and share its weights.
public final class Session {
  private let network: Network
  private var runs: [ObjectIdentifier: SegmentRun] = [:]

  init(_ network: Network) { self.network = network }

  /// Runs the network.
  ///
  /// **Shapes** any that the network's inputs allow; each new one is planned once.
  ///
  /// **Throws** `NetworkError` where an input is missing or does not fit, or an output is not there.
  ///
  /// **Complexity** beside the multiplies, one copy of each output.
  public func run(
    _ inputs: [String: NetworkTensor], outputs names: [String]? = nil
  ) throws(NetworkError) -> [String: NetworkTensor] {
    let names = names ?? network.outputs.map(\.name)
    let first = try network.plan(for: inputs.mapValues { InputShape($0) }, outputs: names)
    let memory = inputs.mapValues { Arena($0) }
    let (chain, values) = try run(from: first, memory)
    guard let last = chain.last else { return [:] }
    var results: [String: NetworkTensor] = [:]
    for (name, value) in zip(names, values) {
      results[name] = value.contents?.tensor ?? last.tensor(of: value)
    }
    return results
  }

  /// A run of these inputs, done once, that can be repeated without copies of inputs and outputs.
  ///
  /// **Shapes** and **Throws** as `run`.
  public func prepare(
    _ inputs: [String: NetworkTensor], outputs names: [String]? = nil
  ) throws(NetworkError) -> PreparedRun {
    let names = names ?? network.outputs.map(\.name)
    let first = try network.plan(for: inputs.mapValues { InputShape($0) }, outputs: names)
    return try PreparedRun(self, first, inputs: inputs, outputs: names)
  }

  /// Lets a run read its inputs out of `memory`.
  func set(_ memory: [String: Arena], of run: SegmentRun) {
    for (name, memory) in memory { run.setInput(name, memory) }
  }

  /// Runs segment after segment; gives those that ran, and the outputs in the last one.
  func run(
    from first: PlannedSegment, _ inputs: [String: Arena], _ ended: ((SegmentRun, Int) -> Void)? = nil
  ) throws(NetworkError) -> ([SegmentRun], [Value]) {
    var (segment, chain, inputs) = (first, [SegmentRun](), inputs)
    while true {
      let run = memory(for: segment, chain)
      chain.append(run)
      set(inputs, of: run)
      if let ended { run.run { ended(run, $0) } } else { run.run() }
      try run.requireNoFault()
      switch segment.end {
      case .finished(let values): return (chain, values)
      case .contents(let value): segment = try segment.next(run.tensor(of: value))
      case .outside(let values, let compute):
        let made = try compute(
          values.map { value in value.map { $0.contents?.tensor ?? run.tensor(of: $0) } })
        for (name, tensor) in zip(segment.pausedOutputs, made) where !name.isEmpty {
          inputs[name] = Arena(tensor)
        }
        segment = try segment.next(outputs: made)
      }
    }
  }

  private func memory(for segment: PlannedSegment, _ earlier: [SegmentRun]) -> SegmentRun {
    let key = ObjectIdentifier(segment)
    if let known = runs[key], known.follows(earlier) { return known }
    if runs.count >= Self.mostRuns { runs.removeAll() }
    let run = SegmentRun(segment.plan, of: segment, earlier: earlier)
    runs[key] = run
    return run
  }

  /// The segments whose memory is kept.
  private static var mostRuns: Int { 8 }
}
