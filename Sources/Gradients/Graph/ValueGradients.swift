import ModelGraph
import Network
import Tensors

/// The gradients of what a network gives out with respect to values inside it, such as the responses of its layers.
///
///     J^T g,    J = d outputs / d value,    g one gradient of a function of the outputs, a seed
///
/// The network runs forward once and backward once a seed, with weights that stay as they are and are packed once. Only nodes
/// between a value that is asked for and an output are gone back through; all others may be of any operator.
///
/// **Accuracy** Float, on one thread: what a run makes depends on nothing but what it is given. Runs may go side by side.
package struct ValueGradients: Sendable {
  /// The values whose gradients are asked for.
  package let values: Set<String>
  /// The values that are differentiated.
  package let outputs: [String]
  private let inputShapes: [String: Shape]
  private let graph: DifferentiableGraph
  private let weights: PreparedWeights
  private let plan: ValuePlan
  /// The inputs that runs need.
  private let needed: [String]

  /// The gradients of `outputs` with respect to `values`, for inputs of these shapes. `outputs` may be values inside the network
  /// too, and the inputs be among `values`.
  ///
  /// **Throws** `GradientError` where the network has no such value, or a node between one of `values` and an output has no
  /// gradient.
  package init(
    _ model: ModelGraph, inputShapes: [String: Shape], of values: some Sequence<String>, outputs: [String]
  ) throws(GradientError) {
    (self.values, self.outputs, self.inputShapes) = (Set(values), outputs, inputShapes)
    let known = Set(model.inputs.map(\.name) + model.main.nodes.flatMap(\.outputs))
    for name in self.values.sorted() + outputs where name.isEmpty || !known.contains(name) {
      throw .graph(reason: "no node of the network makes a value '\(name)'")
    }
    graph = try DifferentiableGraph(
      model, inputShapes: inputShapes, of: .values(self.values), outputs: outputs)
    weights = try graph.prepare([:])
    plan = graph.keepingDifferentiated(asked: Set(outputs))
    let read = Set(graph.nodes.flatMap(\.settings.node.inputs) + outputs)
    needed = graph.inputs.filter { read.contains($0) }
  }

  /// Runs forward once and backward once a seed.
  ///
  /// `seeds` makes, of the outputs by name, what each way back begins with: the gradient of some function of the outputs with
  /// respect to them, by name; an output that is left out has none. `collect` is given the gradient of each of `values` once a
  /// seed, when it is whole: the sum over all that read the value and, where it is an output itself, its own seed. A value that
  /// no output of the seed depends on is not given. The order is that of the way back, seed by seed; nothing is kept.
  ///
  /// **Shapes** a gradient is of the shape of its value.
  ///
  /// **Throws** `GradientError` where inputs are missing or have other shapes, or an output holds no floating-point numbers;
  /// what `seeds` throws.
  ///
  /// **Traps** where a seed is of no output, or has another shape.
  ///
  /// **Complexity** a run forward, and for each seed about what the nodes behind the first of `values` take forward; what the way
  /// back reads is kept until the last seed.
  package func run(
    _ inputs: [String: NetworkTensor],
    seeds: ([String: Tensor<Float>]) throws(GradientError) -> [[String: Tensor<Float>]],
    collect: (_ value: String, _ seed: Int, _ gradient: Tensor<Float>) -> Void
  ) throws(GradientError) {
    let run = try graph.forward(try checked(inputs), weights, plan)
    var made: [String: Tensor<Float>] = [:]
    for name in outputs {
      guard let floats = run[name]?.floats else {
        throw .graph(reason: "the value '\(name)' holds no floating-point numbers")
      }
      made[name] = floats
    }
    for (number, seed) in try seeds(made).enumerated() {
      for (name, gradient) in seed {
        precondition(
          gradient.shape == made[name]?.shape,
          "a seed of \(gradient.shape) for '\(name)' of \(made[name]?.shape.description ?? "no output")")
      }
      let rest = try graph.backward(run, seeds: seed, weights, plan) { name, gradient in
        if values.contains(name) { collect(name, number, gradient) }
      }
      for name in graph.inputs where values.contains(name) {
        if let gradient = rest[name] { collect(name, number, gradient) }
      }
    }
  }

  /// The inputs that are needed.
  private func checked(
    _ inputs: [String: NetworkTensor]
  ) throws(GradientError) -> [String: NetworkTensor] {
    var result: [String: NetworkTensor] = [:]
    for name in needed {
      guard let value = inputs[name] else { throw .graph(reason: "the input '\(name)' is missing") }
      if let shape = inputShapes[name], shape != value.shape {
        throw .graph(reason: "the input '\(name)' is of \(value.shape) instead of \(shape)")
      }
      result[name] = value
    }
    return result
  }
}
