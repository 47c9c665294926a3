import ModelGraph
import Synchronization
import Tensors

/// A body of `Loop`, `Scan` or `If`, run on tensors apart from the plan around it.
///
/// Each combination of shapes is planned once; the last ones are remembered.
final class BodyRunner: Sendable {
  let graph: LoadedGraph
  private let options: NetworkOptions
  private let plans = Mutex<[(key: [String: InputShape], plan: PlannedSegment)]>([])

  /// The shapes whose plans are remembered.
  private static var mostPlans: Int { 4 }

  init(_ graph: LoadedGraph, options: NetworkOptions) { (self.graph, self.options) = (graph, options) }

  /// The body's outputs for inputs, and values around it, by name.
  func run(_ inputs: [String: NetworkTensor]) throws(NetworkError) -> [NetworkTensor] {
    var (segment, memory) = (try plan(inputs.mapValues { InputShape($0) }), inputs.mapValues { Arena($0) })
    var chain: [SegmentRun] = []
    while true {
      let run = SegmentRun(segment.plan, of: segment, earlier: chain)
      chain.append(run)
      for (name, arena) in memory { run.setInput(name, arena) }
      run.run()
      try run.requireNoFault()
      switch segment.end {
      case .finished(let values): return values.map { $0.contents?.tensor ?? run.tensor(of: $0) }
      case .contents(let value): segment = try segment.next(run.tensor(of: value))
      case .outside(let values, let compute):
        let made = try compute(
          values.map { value in value.map { $0.contents?.tensor ?? run.tensor(of: $0) } })
        for (name, tensor) in zip(segment.pausedOutputs, made) where !name.isEmpty {
          memory[name] = Arena(tensor)
        }
        segment = try segment.next(outputs: made)
      }
    }
  }

  private func plan(_ shapes: [String: InputShape]) throws(NetworkError) -> PlannedSegment {
    if let known = plans.withLock({ $0.first { $0.key == shapes }?.plan }) { return known }
    var builder = PlanBuilder(options: options)
    for (name, shape) in shapes { builder.addInput(name, type: shape.type, extents: shape.extents) }
    let plan = try PlannedSegment(builder, graph, from: 0, wanted: graph.outputs.map(\.name))
    plans.withLock { plans in
      if plans.count >= Self.mostPlans { plans.removeFirst() }
      plans.append((shapes, plan))
    }
    return plan
  }
}

extension Graph {
  /// The names that a body takes from around it.
  var namesFromOutside: [String] {
    var own = Set(inputs.map(\.name) + constants.map(\.name))
    var (names, seen) = ([String](), Set<String>())
    func use(_ name: String) {
      if !name.isEmpty, !own.contains(name), seen.insert(name).inserted { names.append(name) }
    }
    for node in nodes {
      node.inputs.forEach(use)
      for attribute in node.attributes {
        for graph in attribute.graphs { graph.namesFromOutside.forEach(use) }
      }
      own.formUnion(node.outputs)
    }
    outputs.map(\.name).forEach(use)
    return names
  }
}
