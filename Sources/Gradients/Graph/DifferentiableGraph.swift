public import ModelGraph
import Network
import TensorFiles
public import Tensors

/// A network that can be run forward and backward: its weights come with each run, and it makes the gradient of a loss with
/// respect to them.
///
/// Nodes that lie on the way from a weight to an output run by the rules of `GradientTable`; all others by `Network`, and are
/// frozen. Weights are the floating-point constants that the rules name: kernels, matrices, their biases, slopes, and scales
/// and shifts of LayerNormalization. BatchNormalization stays as it was trained.
///
/// **Accuracy** Float, on one thread: what a run makes depends on nothing but what it is given.
public final class DifferentiableGraph: Sendable {
  /// The weights, by name in order.
  public let parameters: [Parameter]
  /// The values that it is asked for.
  public let outputs: [String]
  /// The input.
  let input: String
  package let nodes: [DifferentiableNode]
  /// Constants that nodes are given with each run, by name.
  let constants: [String: NetworkTensor]

  /// The graph for inputs of one shape.
  ///
  /// `outputs` are the values that losses are of; nil for the model's outputs.
  ///
  /// **Throws** `GradientError` where a node on the way to a weight has no gradient.
  public init(_ model: ModelGraph, inputShape: Shape, outputs names: [String]? = nil) throws(GradientError) {
    guard model.inputs.count == 1, let input = model.inputs.first?.name else {
      throw .graph(reason: "a model of one input is needed; this one has \(model.inputs.count)")
    }
    var model = model
    let outputs = names ?? model.main.outputs.map(\.name)
    model.main.outputs = outputs.map { ValueInfo(name: $0) }
    do throws(ModelError) {
      try model.validate()
      _ = try model.apply([ConstantFolding(inputShapes: [input: inputShape.extents]), UnusedNodeRemoval()])
    } catch { throw .model(error) }
    let loader = try DifferentiableGraphLoader(model)
    (self.input, self.outputs) = (input, outputs)
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

  /// Runs the network and keeps what a plan says; everything where there is none.
  ///
  /// **Returns** the values by name.
  package func forward(
    _ x: Tensor<Float>, _ weights: PreparedWeights, _ plan: ValuePlan? = nil
  ) throws(GradientError) -> [String: NetworkTensor] {
    var values = [input: NetworkTensor(x)]
    for place in nodes.indices {
      try run(place, &values, weights)
      for name in plan?.releases[place] ?? [] { values[name] = nil }
    }
    return values
  }

  /// The shapes of all values, from a run that lets go of each behind its last use.
  package func shapes(_ x: Tensor<Float>, _ weights: PreparedWeights) throws(GradientError) -> [String: Shape]
  {
    let plan = plan(nil, asked: [])
    var (values, shapes) = ([input: NetworkTensor(x)], [input: x.shape])
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

  /// The gradients of the weights.
  ///
  /// `seeds` holds the gradient of the loss with respect to values, as far as it depends on them directly. At values of `cuts`
  /// it ends: what comes from behind them is dropped. `plan` is that of `forward`.
  ///
  /// **Complexity** about two times that of `forward`, and that of the stretches that the plan makes again; values and gradients
  /// are let go of as soon as nothing needs them.
  package func backward(
    _ values: [String: NetworkTensor], seeds: [String: Tensor<Float>], cuts: Set<String> = [],
    _ weights: PreparedWeights, _ plan: ValuePlan? = nil
  ) throws(GradientError) -> [String: Tensor<Float>] {
    var values = values
    var gradients: [String: Tensor<Float>] = [:]
    for (name, seed) in seeds where !cuts.contains(name) { gradients[name] = seed }
    for segment in (plan ?? keepingAll(asked: Set(outputs))).segments.reversed() {
      let isMissing = plan?.missing(segment).isEmpty == false
      if isMissing {
        for place in segment { try run(place, &values, weights) }
      }
      try backward(segment, &values, &gradients, seeds: seeds, cuts, weights)
    }
    return gradients
  }

  /// Goes back through some nodes whose values are there.
  private func backward(
    _ segment: Range<Int>, _ values: inout [String: NetworkTensor],
    _ gradients: inout [String: Tensor<Float>],
    seeds: [String: Tensor<Float>], _ cuts: Set<String>, _ weights: PreparedWeights
  ) throws(GradientError) {
    for place in segment.reversed() {
      let node = nodes[place]
      guard let rule = node.rule else { continue }
      let own = node.outputs.map { cuts.contains($0) ? seeds[$0] : gradients[$0] }
      guard own.contains(where: { $0 != nil }) else { continue }
      let pass = BackwardPass(
        node: node.settings, inputs: inputs(of: node, values, weights),
        outputs: node.outputs.compactMap { values[$0] }, gradients: own, wanted: node.wanted,
        prepared: weights.ofNodes[place], runner: node.runner)
      let made = try rule.backward(pass)
      for (name, gradient) in zip(node.settings.node.inputs, made) {
        guard let gradient else { continue }
        if gradients[name] == nil { gradients[name] = gradient } else { gradients[name]?.add(gradient) }
      }
      for name in node.outputs {
        gradients[name] = nil
        values[name] = nil
      }
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
  /// Nil for nodes that lie on no way from a weight to an output.
  let rule: (any GradientRule)?
  let runner: NodeRunner
  /// Whether the gradient of each input is wanted.
  let wanted: [Bool]

  /// What the node makes, without the values that nobody wants.
  var outputs: [String] { settings.node.outputs.filter { !$0.isEmpty } }
}
