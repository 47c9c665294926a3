import ModelGraph
import Tensors
import Testing

@testable import Gradients

/// Whole networks forward and backward: which nodes are differentiated, where gradients end, and what is kept.
struct DifferentiableGraphTests {
  private let model = SmallNetwork.classifier(seed: 1)
  private let images: Tensor<Float>

  init() {
    var generator = SeededGenerator(seed: 1000)
    images = generator.tensor([2, 1, 6, 6])
  }

  private func prepared(_ graph: DifferentiableGraph) throws -> PreparedWeights {
    try graph.prepare(Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.start) }))
  }

  /// With a cut at "c" the loss there reaches the weights in front of it alone, and that of the scores none of these.
  @Test
  func cutsEndGradients() throws {
    let graph = try DifferentiableGraph(model, inputShape: images.shape, outputs: ["c", "scores"])
    let weights = try prepared(graph)
    let values = try graph.forward(images, weights)
    let scores = try graph.backward(
      values, seeds: ["scores": Tensor(shape: [2, 3], repeating: 1)], cuts: ["c"], weights)
    #expect(Set(scores.keys).isSuperset(of: ["w3", "b3"]) && scores["up"] == nil && scores["w1"] == nil)
    let block = try graph.backward(
      values, seeds: ["c": Tensor(shape: [2, 5, 6, 6], repeating: 1)], cuts: ["c"], weights)
    #expect(Set(block.keys).isSuperset(of: ["w1", "b1", "down", "up"]) && block["w3"] == nil)
  }

  /// Values that are made again are the same to the bit, and so are the gradients.
  @Test
  func recomputationChangesNothing() throws {
    let graph = try DifferentiableGraph(model, inputShape: images.shape, outputs: ["c", "scores"])
    let weights = try prepared(graph)
    let bytes = try graph.shapes(images, weights).mapValues { 4 * $0.count }
    let seeds = ["scores": Tensor<Float>(shape: [2, 3], repeating: 1)]
    func gradients(_ plan: ValuePlan?) throws -> [String: Tensor<Float>] {
      try graph.backward(try graph.forward(images, weights, plan), seeds: seeds, weights, plan)
    }
    let expected = try gradients(nil)
    let stages = graph.remakingStages(asked: ["scores"])
    #expect(stages.releases.joined().sorted() == ["inner"])
    let all = graph.keepingAll(asked: ["scores"])
    #expect(all.releases.joined().isEmpty)
    for plan in [all, stages] + [2, 3, 7].map({ graph.plan(stretches: $0, bytes: bytes, asked: ["scores"]) })
    {
      #expect(try gradients(plan) == expected, "\(plan.segments)")
      let kept = try Set(graph.forward(images, weights, plan).keys)
      #expect(kept.isDisjoint(with: plan.releases.joined()) && kept.contains("scores"))
    }
    #expect(graph.peak(stages, bytes: bytes) <= graph.peak(all, bytes: bytes))
  }

  @Test
  func nodesWithoutGradientAreNamed() throws {
    var model = model
    model.main.nodes.append(Node(name: "last", opType: "Hardmax", inputs: ["scores"], outputs: ["hard"]))
    model.main.outputs = [ValueInfo(name: "hard")]
    do throws(GradientError) {
      _ = try DifferentiableGraph(model, inputShape: images.shape)
      Issue.record("Hardmax has no gradient")
    } catch { #expect("\(error)".contains("node 'last' (Hardmax)"), "\(error)") }
  }

  /// What lies on no way from a weight to an output is run, and needs no gradient.
  @Test
  func nodesInFrontOfWeightsAreFrozen() throws {
    var model = model
    model.main.nodes.insert(
      Node(name: "before", opType: "Round", inputs: ["image"], outputs: ["rounded"]), at: 0)
    model.main.nodes[1].inputs[0] = "rounded"
    let graph = try DifferentiableGraph(model, inputShape: images.shape)
    #expect(graph.nodes.map { $0.rule == nil } == [true] + [Bool](repeating: false, count: 7))
  }
}
