import ModelGraph
import Synchronization
import Tensors

/// A segment of a plan for inputs of known shapes, and what comes behind it.
///
/// Most networks have one segment. Where shapes depend on elements that a run computes, the plan goes on behind a segment
/// with what the run brought; the last ways on are remembered.
final class PlannedSegment: Sendable {
  let plan: SegmentPlan
  let end: End
  private let builder: PlanBuilder
  private let graph: LoadedGraph
  private let wanted: [String]
  private let nexts = Mutex<[(key: Key, segment: PlannedSegment)]>([])

  /// What is behind the segment.
  enum End: Sendable {
    /// The outputs, row-major without gaps or known beforehand.
    case finished([Value])
    /// More, once the elements of a value are known.
    case contents(Value)
    /// More, once a node has been computed outside of the plan.
    case outside([Value?], @Sendable ([NetworkTensor?]) throws(NetworkError) -> [NetworkTensor])
  }

  /// What the way on depends on.
  private enum Key: Equatable {
    case contents(NetworkTensor)
    case shapes([[Int]], [DataType])
  }

  /// The ways on that are remembered.
  private static var mostNexts: Int { 8 }

  /// Lowers the nodes of a graph from one on, up to where it has to wait; `wanted` are the values to give in the end.
  init(
    _ given: PlanBuilder, _ graph: LoadedGraph, from first: Int, wanted: [String],
    after earlier: SegmentPlan? = nil
  ) throws(NetworkError) {
    var builder = given
    builder.leaving = Set(wanted).subtracting(graph.nodes.flatMap(\.inputs))
    let pause = try builder.lower(graph, from: first)
    switch pause?.reason {
    case nil:
      let outputs = try builder.outputs(wanted, graph)
      builder.keepBuffers(of: outputs)
      end = .finished(outputs)
    case .contents(let value):
      let value = try builder.gathered(value)
      builder.keepBuffers(of: builder.values.values)
      builder.keepBuffers(of: [value])
      end = .contents(value)
    case .outside(let values, let compute):
      var gathered: [Value?] = []
      for value in values {
        gathered.append(try value.map { value throws(NetworkError) in try builder.gathered(value) })
      }
      builder.keepBuffers(of: builder.values.values)
      builder.keepBuffers(of: gathered.compactMap { $0 })
      end = .outside(gathered, compute)
    }
    plan = try builder.segmentPlan(after: earlier)
    self.builder = builder
    self.graph = graph
    self.wanted = wanted
    pausedAt = pause
  }

  private let pausedAt: Pause?

  /// The way on where a value turned out to be `contents`.
  func next(_ contents: NetworkTensor) throws(NetworkError) -> PlannedSegment {
    try next(.contents(contents)) { builder in
      guard case .contents(let value)? = pausedAt?.reason else { return }
      let known = KnownContents(contents, isPermanent: false)
      for (name, other) in builder.values
      where other.buffer == value.buffer && other.offset == value.offset && other.layout == value.layout {
        builder.values[name]?.contents = known
      }
    }
  }

  /// The way on where a node turned out to make `outputs`.
  func next(outputs: [NetworkTensor]) throws(NetworkError) -> PlannedSegment {
    try next(.shapes(outputs.map(\.shape.extents), outputs.map(\.type))) { builder in
      guard let node = pausedAt?.node else { return }
      for (name, tensor) in zip(graph.nodes[node].outputs, outputs) where !name.isEmpty {
        builder.addInput(name, type: tensor.type, extents: tensor.shape.extents)
      }
    }
  }

  /// The names of what the node makes that the segment ends in front of.
  var pausedOutputs: [String] { pausedAt.map { graph.nodes[$0.node].outputs } ?? [] }

  private func next(
    _ key: Key, _ change: (inout PlanBuilder) -> Void
  ) throws(NetworkError) -> PlannedSegment {
    if let known = nexts.withLock({ $0.first { $0.key == key }?.segment }) { return known }
    var builder = builder
    builder.beginSegment()
    change(&builder)
    var first = pausedAt?.node ?? 0
    if case .shapes = key { first += 1 }
    let segment = try PlannedSegment(builder, graph, from: first, wanted: wanted, after: plan)
    nexts.withLock { nexts in
      if nexts.count >= Self.mostNexts { nexts.removeFirst() }
      nexts.append((key, segment))
    }
    return segment
  }
}

extension PlannedSegment {
  /// Runs this segment and those behind it, each in what `memory` gives for it and the runs in front of it; gives those
  /// that ran, and the outputs in the last one. `ended` is told of every step.
  ///
  /// **Throws** where a step finds elements that it can do nothing with, or what the run brings has no further plan.
  func run(
    _ inputs: [String: Arena], _ ended: ((Int) -> Void)? = nil,
    in memory: (PlannedSegment, [SegmentRun]) -> SegmentRun
  ) throws(NetworkError) -> ([SegmentRun], [Value]) {
    var (segment, chain, inputs) = (self, [SegmentRun](), inputs)
    while true {
      let run = memory(segment, chain)
      chain.append(run)
      run.setInputs(inputs)
      try run.run(ended)
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
}

extension PlanBuilder {
  /// Values by name, row-major without gaps or known beforehand.
  fileprivate mutating func outputs(_ names: [String], _ graph: LoadedGraph) throws(NetworkError) -> [Value] {
    var outputs: [Value] = []
    for name in names {
      let constant = values[name] == nil ? try graph.constant(name) : nil
      guard let value = values[name] ?? constant else {
        throw .output(name: name, reason: "no node makes it")
      }
      current = NodeLabel(name: name, opType: "Output")
      outputs.append(try gathered(value))
    }
    return outputs
  }

  /// A value, row-major without gaps or known beforehand.
  fileprivate mutating func gathered(_ value: Value) throws(NetworkError) -> Value {
    guard value.contents == nil else { return value }
    do { return try arranged(value) } catch {
      if case .failure(let error) = error { throw error }
      return value
    }
  }
}
