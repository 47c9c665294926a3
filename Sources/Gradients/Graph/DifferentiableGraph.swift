public import ModelGraph
import Network
import TensorFiles
public import Tensors

/// A network that can be run forward and backward: it makes the gradient of a loss with respect to its weights, which come with
/// each run, or to values inside it.
///
/// Nodes that lie on the way from one of these to an output run by the rules of `GradientTable`; all others by `Network`, and are
/// frozen. Weights are the floating-point constants that the rules name: kernels, matrices, their biases, slopes, and scales
/// and shifts of LayerNormalization. BatchNormalization stays as it was trained.
///
/// **Accuracy** Float, on one thread: what a run makes depends on nothing but what it is given.
public final class DifferentiableGraph: Sendable {
  /// The weights, by name in order; none where gradients are of values.
  public let parameters: [Parameter]
  /// The values that it is asked for.
  public let outputs: [String]
  /// The inputs, in the order of the model.
  let inputs: [String]
  package let nodes: [DifferentiableNode]
  /// Constants that nodes are given with each run, by name.
  let constants: [String: NetworkTensor]

  /// The graph for the gradients of weights, for inputs of one shape.
  ///
  /// `outputs` are the values that losses are of; nil for the model's outputs.
  ///
  /// **Throws** `GradientError` where a node on the way to a weight has no gradient.
  public convenience init(
    _ model: ModelGraph, inputShape: Shape, outputs names: [String]? = nil
  ) throws(GradientError) {
    guard model.inputs.count == 1, let input = model.inputs.first?.name else {
      throw .graph(reason: "a model of one input is needed; this one has \(model.inputs.count)")
    }
    try self.init(
      model, inputShapes: [input: inputShape], of: .weights, outputs: names ?? model.main.outputs.map(\.name))
  }

  /// The graph for the gradients of weights or of values, for inputs of these shapes.
  ///
  /// **Throws** `GradientError` where a node on the way from one of them to an output has no gradient.
  init(
    _ model: ModelGraph, inputShapes: [String: Shape], of variables: GradientVariables, outputs: [String]
  ) throws(GradientError) {
    (inputs, self.outputs) = (model.inputs.map(\.name), outputs)
    var model = model
    model.main.outputs = outputs.map { ValueInfo(name: $0) }
    do throws(ModelError) {
      try model.validate()
      _ = try model.apply([
        ConstantFolding(inputShapes: inputShapes.mapValues(\.extents)), UnusedNodeRemoval(),
      ])
    } catch { throw .model(error) }
    let loader = try DifferentiableGraphLoader(model, of: variables)
    (parameters, nodes, constants) = (loader.parameters, loader.nodes, loader.constants)
  }

  /// Weights, with what rules prepare from them.
  package func prepare(_ weights: [String: Tensor<Float>]) throws(GradientError) -> PreparedWeights {
    var prepared: [(any Sendable)?] = []
    for node in nodes {
      let given = node.settings.node.inputs.map { weights[$0] ?? constants[$0]?.floats }
      prepared.append(try node.rule?.prepared(given))
    }
    return PreparedWeights(weights: weights, ofNodes: prepared)
  }

  /// Runs a network of one input: see below.
  package func forward(
    _ x: Tensor<Float>, _ weights: PreparedWeights, _ plan: ValuePlan? = nil
  ) throws(GradientError) -> [String: NetworkTensor] {
    try forward([inputs[0]: NetworkTensor(x)], weights, plan)
  }

  /// Runs the network and keeps what a plan says; everything where there is none.
  ///
  /// **Returns** the values by name.
  func forward(
    _ given: [String: NetworkTensor], _ weights: PreparedWeights, _ plan: ValuePlan?
  ) throws(GradientError) -> [String: NetworkTensor] {
    var values = given
    for place in nodes.indices {
      try run(place, &values, weights)
      for name in plan?.releases[place] ?? [] { values[name] = nil }
    }
    return values
  }

  /// The shapes of all values of a network of one input, from a run that lets go of each behind its last use.
  package func shapes(_ x: Tensor<Float>, _ weights: PreparedWeights) throws(GradientError) -> [String: Shape]
  {
    let plan = plan(nil, asked: [])
    var (values, shapes) = ([inputs[0]: NetworkTensor(x)], [inputs[0]: x.shape])
    for (place, node) in nodes.enumerated() {
      try run(place, &values, weights)
      for name in node.outputs { shapes[name] = values[name]?.shape }
      for name in plan.releases[place] { values[name] = nil }
    }
    return shapes
  }

  /// Runs one node.
  private func run(
    _ place: Int, _ values: inout [String: NetworkTensor], _ weights: PreparedWeights
  ) throws(GradientError) {
    let node = nodes[place]
    let inputs = inputs(of: node, values, weights)
    let pass = ForwardPass(node: node.settings, inputs: inputs, prepared: weights.ofNodes[place])
    let made: [NetworkTensor]
    if let results = try node.rule?.forward(pass) {
      made = results.map { NetworkTensor($0) }
    } else {
      made = try node.runner.run(inputs)
    }
    for (name, value) in zip(node.outputs, made) { values[name] = value }
  }

  /// The gradients of the weights, and of inputs that gradients are asked of.
  ///
  /// `seeds` holds the gradient of the loss with respect to values, as far as it depends on them directly. At values of `cuts`
  /// it ends: what comes from behind them is dropped. `plan` is that of `forward`. `reaches` is given the gradient of each value
  /// that a node makes, once it is the sum over all that read the value.
  ///
  /// **Complexity** about two times that of `forward`, and that of the stretches that the plan makes again; values and gradients
  /// are let go of as soon as nothing needs them.
  package func backward(
    _ values: [String: NetworkTensor], seeds: [String: Tensor<Float>], cuts: Set<String> = [],
    _ weights: PreparedWeights, _ plan: ValuePlan? = nil,
    reaches: (String, Tensor<Float>) -> Void = { _, _ in }
  ) throws(GradientError) -> [String: Tensor<Float>] {
    var values = values
    var gradients: [String: Tensor<Float>] = [:]
    for (name, seed) in seeds where !cuts.contains(name) { gradients[name] = seed }
    for segment in (plan ?? keepingAll(asked: Set(outputs))).segments.reversed() {
      let isMissing = plan?.missing(segment).isEmpty == false
      if isMissing {
        for place in segment { try run(place, &values, weights) }
      }
      try backward(segment, &values, &gradients, seeds: seeds, cuts, weights, reaches)
    }
    return gradients
  }

  /// Goes back through some nodes whose values are there.
  private func backward(
    _ segment: Range<Int>, _ values: inout [String: NetworkTensor],
    _ gradients: inout [String: Tensor<Float>],
    seeds: [String: Tensor<Float>], _ cuts: Set<String>, _ weights: PreparedWeights,
    _ reaches: (String, Tensor<Float>) -> Void
  ) throws(GradientError) {
    for place in segment.reversed() {
      let node = nodes[place]
      let own = node.outputs.map { cuts.contains($0) ? seeds[$0] : gradients[$0] }
      guard own.contains(where: { $0 != nil }) else { continue }
      // All readers of what the node makes lie behind it.
      for case (let name, let gradient?) in zip(node.outputs, own) { reaches(name, gradient) }
      try goBack(place, own, values, &gradients, weights)
      for name in node.outputs {
        gradients[name] = nil
        values[name] = nil
      }
    }
  }

  /// Adds what goes back through one node to the gradients of what it reads; nothing where the node is frozen.
  private func goBack(
    _ place: Int, _ own: [Tensor<Float>?], _ values: [String: NetworkTensor],
    _ gradients: inout [String: Tensor<Float>], _ weights: PreparedWeights
  ) throws(GradientError) {
    let node = nodes[place]
    guard let rule = node.rule else { return }
    let pass = BackwardPass(
      node: node.settings, inputs: inputs(of: node, values, weights),
      outputs: node.outputs.compactMap { values[$0] }, gradients: own, wanted: node.wanted,
      prepared: weights.ofNodes[place], runner: node.runner)
    let made = try rule.backward(pass)
    for case (let name, let gradient?) in zip(node.settings.node.inputs, made) {
      if gradients[name] == nil { gradients[name] = gradient } else { gradients[name]?.add(gradient) }
    }
  }

  private func inputs(
    of node: DifferentiableNode, _ values: [String: NetworkTensor], _ weights: PreparedWeights
  ) -> [NetworkTensor?] {
    node.settings.node.inputs.map { name in
      values[name] ?? weights.weights[name].map { NetworkTensor($0) } ?? constants[name]
    }
  }
}

/// Weights that runs go by, with what rules have prepared from them.
package struct PreparedWeights: Sendable {
  let weights: [String: Tensor<Float>]
  let ofNodes: [(any Sendable)?]
}

/// A node of a graph that is run forward and backward.
package struct DifferentiableNode: Sendable {
  package let settings: NodeSettings
  /// Nil for nodes that lie on no way from what gradients are of to an output.
  let rule: (any GradientRule)?
  let runner: NodeRunner
  /// Whether the gradient of each input is wanted.
  let wanted: [Bool]

  /// What the node makes, without the values that nobody wants.
  var outputs: [String] { settings.node.outputs.filter { !$0.isEmpty } }
}
