import Tensors

/// A run whose inputs lie in the session's memory already and whose outputs are left there: to be repeated, and to be
/// timed step by step.
///
/// **Complexity** where shapes do not depend on what a run computes, `execute()` allocates nothing besides what its steps do.
public final class PreparedRun {
  private let session: Session
  private let first: PlannedSegment
  private let names: [String]
  /// The memory of the inputs.
  let inputs: [String: Arena]
  /// The segments of the last run.
  private(set) var chain: [SegmentRun] = []
  /// The outputs of the last run.
  private(set) var values: [Value] = []

  init(_ session: Session, _ first: PlannedSegment, inputs: [String: Arena], outputs names: [String]) {
    (self.session, self.first, self.inputs, self.names) = (session, first, inputs, names)
  }

  /// Runs the network again.
  ///
  /// **Throws** `NetworkError` where what the run brings has no further plan.
  public func execute() throws(NetworkError) {
    if let only = single { return try only.run() }
    (chain, values) = try session.run(from: first, inputs)
  }

  /// Runs the network again and tells when each step ended, by its place among `steps`.
  ///
  /// **Throws** as `execute()` does.
  public func execute(_ ended: (_ step: Int) -> Void) throws(NetworkError) {
    try withoutActuallyEscaping(ended) { ended throws(NetworkError) in
      if let only = single { return try only.run(ended) }
      var place = 0
      (chain, values) = try session.run(from: first, inputs) { _ in
        ended(place)
        place += 1
      }
    }
  }

  /// The run of a network that is planned as one; its inputs were set when it was prepared.
  private var single: SegmentRun? {
    guard case .finished = first.end else { return nil }
    // The session may have given the segment other inputs since.
    let only = chain.first
    if let only { only.setInputs(inputs) }
    return only
  }

  /// What the last run made.
  ///
  /// **Complexity** one copy of each output.
  public func results() -> [String: NetworkTensor] {
    var results: [String: NetworkTensor] = [:]
    for (name, value) in zip(names, values) {
      results[name] = value.contents?.tensor ?? chain.last?.tensor(of: value)
    }
    return results
  }

  /// What a run does, one thing after the other.
  public var steps: [StepDescription] {
    chain.flatMap { $0.plan.steps.map { StepDescription($0.step) } }
  }

  /// The bytes of the memory that values share.
  public var arenaByteCount: Int { chain.reduce(0) { $0 + $1.plan.arenaByteCount } }
}

/// What one step of a run does, for people.
public struct StepDescription: Sendable, Hashable {
  /// The node that it is of.
  public let node: String
  /// The node's operator.
  public let op: String
  /// The operators of the nodes that it takes up.
  public let fused: [String]
  /// How it runs.
  public let detail: String
  /// The multiplies of its products.
  public let multiplies: Int
  /// How its output lies in memory.
  public let layout: String

  init(_ step: Step) {
    let parts = step.operation.split(separator: "+").map(String.init)
    node = step.node
    op = parts.first ?? ""
    fused = Array(parts.dropFirst())
    detail = step.detail
    multiplies = step.multiplies
    layout = step.layout
  }
}
