import ModelGraph

/// `If`: one of two bodies, by a truth value that has to be known.
///
/// A body's nodes become steps of the plan around it; one that has to wait for elements of its own is run apart.
struct IfOperator: Operator {
  static let opTypes = ["If"]

  private let bodies: [BodyRunner]
  /// The values around the bodies that they take, which are the inputs behind the first.
  private let captured: [String]

  init(_ node: NodeReader) throws(NetworkError) {
    bodies = [
      BodyRunner(try node.body("else_branch"), options: node.options),
      BodyRunner(try node.body("then_branch"), options: node.options),
    ]
    captured = node.captured
    guard bodies.allSatisfy({ $0.graph.outputs.count == node.outputCount }) else {
      throw node.failure("its branches do not have \(node.outputCount) outputs")
    }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    guard let truth = try plan.integers(try plan.required(inputs, 0)).first else {
      throw plan.failure("its condition is empty")
    }
    let (body, captured) = (bodies[truth != 0 ? 1 : 0], captured)
    do {
      return try lower(body.graph, inputs, into: &plan)
    } catch {
      if case .failure = error { throw error }
    }
    throw .outside { inputs throws(NetworkError) in
      var values: [String: NetworkTensor] = [:]
      for (name, tensor) in zip(captured, inputs.dropFirst()) { values[name] = tensor }
      return try body.run(values)
    }
  }

  private func lower(
    _ body: LoadedGraph, _ inputs: [Value?], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let (values, placements) = (plan.values, plan.placements)
    defer { (plan.values, plan.placements) = (values, placements) }
    plan.placements = ConcatenationPlacements()
    plan.values = [:]
    for (name, value) in zip(captured, inputs.dropFirst()) { plan.values[name] = value }
    try plan.lowerBody(body)
    var results: [Value] = []
    for output in body.outputs {
      let constant: Value?
      do throws(NetworkError) { constant = try body.constant(output.name) } catch { throw .failure(error) }
      guard let value = plan.values[output.name] ?? constant else {
        throw plan.failure("a branch does not make '\(output.name)'")
      }
      results.append(value)
    }
    return results
  }
}
