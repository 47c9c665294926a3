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
    let first = try plan(inputs.mapValues { InputShape($0) })
    let (chain, values) = try first.run(inputs.mapValues { Arena($0) }) { segment, earlier in
      SegmentRun(segment.plan, of: segment, earlier: earlier)
    }
    guard let last = chain.last else { return [] }
    return values.map { $0.contents?.tensor ?? last.tensor(of: $0) }
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
