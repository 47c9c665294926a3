import Maps
import ModelGraph
import Tensors

extension PlanBuilder {
  /// Lowers the nodes of a graph from one on.
  ///
  /// **Returns** why a node cannot be lowered before what has been lowered so far has run; nil where all are lowered.
  ///
  /// **Throws** what is wrong.
  mutating func lower(_ graph: LoadedGraph, from first: Int = 0) throws(NetworkError) -> Pause? {
    for place in first..<graph.nodes.count {
      let before = self
      do {
        try lower(graph.nodes[place], of: graph)
      } catch {
        self = before
        switch error {
        case .needsContents(let value): return Pause(node: place, reason: .contents(value))
        case .outside(let compute):
          let inputs = try inputs(of: graph.nodes[place], graph)
          return Pause(node: place, reason: .outside(inputs, compute))
        case .failure(let error): throw error
        }
      }
    }
    return nil
  }

  private func inputs(of node: LoadedNode, _ graph: LoadedGraph) throws(NetworkError) -> [Value?] {
    var inputs: [Value?] = []
    do {
      for name in node.inputs { inputs.append(try input(name, graph)) }
    } catch {
      if case .failure(let error) = error { throw error }
    }
    return inputs
  }

  /// Lowers a body inside the node that is being lowered: stops as that node would.
  mutating func lowerBody(_ graph: LoadedGraph) throws(LoweringStop) {
    for node in graph.nodes { try lower(node, of: graph) }
  }

  /// Lowers one node; of one that constants alone go into, or small known numbers, the result is computed at once.
  private mutating func lower(_ node: LoadedNode, of graph: LoadedGraph) throws(LoweringStop) {
    let outer = current
    current = node.label
    defer { current = outer }
    if let ready = foldedBefore(node, graph) {
      for (name, value) in zip(node.outputs, ready) where !name.isEmpty { values[name] = value }
      return
    }
    var inputs: [Value?] = []
    for name in node.inputs { inputs.append(try input(name, graph)) }
    var made: [Value]?
    if inputs.allSatisfy({ $0?.contents != nil || $0 == nil }),
      inputs.contains(where: { $0 != nil }) || node.op is any ConstantSource
    {
      made = try computed(node, inputs)
    }
    let results: [Value]
    if let made {
      results = made
    } else {
      results = try node.op.lower(inputs, outputs: node.outputs, into: &self)
    }
    for (name, value) in zip(node.outputs, results) where !name.isEmpty {
      values[name] = value
      if made != nil { graph.remember(name, value) }
    }
  }

  private func input(_ name: String, _ graph: LoadedGraph) throws(LoweringStop) -> Value? {
    guard !name.isEmpty else { return nil }
    if let value = values[name] { return value }
    do throws(NetworkError) {
      if let constant = try graph.constant(name) { return constant }
      if let constant = try outerConstant(name) { return constant }
    } catch { throw .failure(error) }
    throw failure("the value '\(name)' is made by no node in front of this one")
  }

  private func foldedBefore(_ node: LoadedNode, _ graph: LoadedGraph) -> [Value]? {
    guard !node.outputs.isEmpty else { return nil }
    var ready: [Value] = []
    for name in node.outputs {
      guard let value = graph.folded(name) else { return nil }
      ready.append(value)
    }
    return ready
  }

  /// The most elements of results that are computed while planning, unless they are computed once and for all.
  private static var mostKnownElements: Int { 1 << 12 }

  /// What a node comes to whose inputs are known; nil where the results are too large to be worth it.
  private mutating func computed(_ node: LoadedNode, _ inputs: [Value?]) throws(LoweringStop) -> [Value]? {
    let isPermanent = inputs.allSatisfy { $0?.contents?.isPermanent ?? true }
    var inner = PlanBuilder(options: options)
    inner.current = current
    inner.outerGraphs = outerGraphs
    // Where the elements became known in a run, they have a buffer, which is none of the inner plan's.
    let known = inputs.map { value in
      value.map {
        Value(
          type: $0.type, layout: StridedShape($0.extents), offset: 0, buffer: nil, contents: $0.contents)
      }
    }
    let results = try node.op.lower(known, outputs: node.outputs, into: &inner)
    let count = results.reduce(0) { $0 + $1.count }
    guard isPermanent || count <= Self.mostKnownElements else { return nil }
    let tensors = try inner.computeAtOnce(results)
    return tensors.map { self.known($0, isPermanent: isPermanent) }
  }

  /// Runs the steps so far and gives the elements of values.
  mutating func computeAtOnce(_ results: [Value]) throws(LoweringStop) -> [NetworkTensor] {
    if results.allSatisfy({ $0.contents != nil }) { return results.compactMap { $0.contents?.tensor } }
    var gathered: [Value] = []
    for value in results { gathered.append(value.contents == nil ? try arranged(value) : value) }
    keepBuffers(of: gathered)
    let plan: SegmentPlan
    do throws(NetworkError) { plan = try segmentPlan() } catch { throw .failure(error) }
    let run = SegmentRun(plan, earlier: [])
    do throws(NetworkError) { try run.run() } catch { throw .failure(error) }
    return gathered.map { $0.contents?.tensor ?? run.tensor(of: $0) }
  }

  private func outerConstant(_ name: String) throws(NetworkError) -> Value? {
    for graph in outerGraphs.reversed() {
      if let value = try graph.constant(name) { return value }
    }
    return nil
  }
}

/// Where lowering stops until what has been lowered so far has run.
struct Pause: Sendable {
  /// The node that comes next.
  let node: Int
  /// What it waits for.
  let reason: Reason

  enum Reason: Sendable {
    /// The elements of a value.
    case contents(Value)
    /// A computation of its own on the elements of its inputs.
    case outside([Value?], @Sendable ([NetworkTensor?]) throws(NetworkError) -> [NetworkTensor])
  }
}

/// An operator without inputs whose result is known.
protocol ConstantSource: Operator {}
