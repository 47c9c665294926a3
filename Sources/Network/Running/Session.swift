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
    let run = PreparedRun(self, first, inputs: inputs.mapValues { Arena($0) }, outputs: names)
    try run.execute()
    return run
  }

  /// A run of inputs of some shapes, whose elements the caller writes into `PreparedRun.input` before each `execute()`;
  /// nothing has run yet.
  ///
  /// **Throws** as `run`.
  package func prepare(
    _ shapes: [String: InputShape], outputs names: [String]
  ) throws(NetworkError) -> PreparedRun {
    let first = try network.plan(for: shapes, outputs: names)
    return PreparedRun(self, first, inputs: shapes.mapValues { Arena(of: $0) }, outputs: names)
  }

  /// Runs segment after segment in the session's memory; see `PlannedSegment.run`.
  func run(
    from first: PlannedSegment, _ inputs: [String: Arena], _ ended: ((Int) -> Void)? = nil
  ) throws(NetworkError) -> ([SegmentRun], [Value]) {
    try first.run(inputs, ended, in: memory)
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
