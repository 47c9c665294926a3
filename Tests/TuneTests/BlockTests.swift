import ModelGraph
import Tensors
import Testing

@testable import Tune

/// Blocks: where they are found, and that nothing goes through their ends.
struct BlockTests {
  /// The tiny network with its second convolution in two stages.
  private var factored: ModelGraph {
    var model = TinyNetwork.classifier(seed: 1)
    var generator = SeededGenerator(seed: 5)
    let down = Constant(name: "down", generator.tensor([2, 4, 1, 1], of: Float.self), type: .float32)
    let up = Constant(name: "up", generator.tensor([5, 2, 3, 3], of: Float.self), type: .float32)
    model.main.constants["w2"] = nil
    model.main.constants.append(down)
    model.main.constants.append(up)
    model.main.nodes[2].inputs = ["inner", "up"]
    model.main.nodes.insert(
      Node(name: "stage", opType: "Conv", inputs: ["b", "down"], outputs: ["inner"]), at: 2)
    return model
  }

  @Test
  func blocksEndAtNodesThatDiffer() throws {
    let selection = try MatchSelection(
      factored, teacher: TinyNetwork.classifier(seed: 1), loss: nil, orders: ["scores": 2])
    #expect(selection.blocks.map(\.value) == ["c"])
    #expect(selection.outputs.map(\.loss) == [.divergence])
  }

  /// With a cut at "c" the loss there reaches the weights in front of it alone, and that of the scores none of these.
  @Test
  func cutsEndGradients() throws {
    let graph = try TrainingGraph(factored, inputShape: [2, 1, 6, 6], outputs: ["c", "scores"])
    let weights = try graph.prepare(
      Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.start) }))
    let values = try graph.forward(RandomImages().batch([0, 1], variation: nil), weights)
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
    let graph = try TrainingGraph(factored, inputShape: [2, 1, 6, 6], outputs: ["c", "scores"])
    let weights = try graph.prepare(
      Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.start) }))
    let x = try RandomImages().batch([0, 1], variation: nil)
    let bytes = try graph.shapes(x, weights).mapValues { 4 * $0.count }
    let seeds = ["scores": Tensor<Float>(shape: [2, 3], repeating: 1)]
    func gradients(_ plan: ValuePlan?) throws -> [String: Tensor<Float>] {
      try graph.backward(try graph.forward(x, weights, plan), seeds: seeds, weights, plan)
    }
    let expected = try gradients(nil)
    let stages = graph.remakingStages(asked: ["scores"])
    #expect(stages.releases.joined().sorted() == ["inner"])
    let all = graph.keepingAll(asked: ["scores"])
    #expect(all.releases.joined().isEmpty)
    for plan in [all, stages] + [2, 3, 7].map({ graph.plan(stretches: $0, bytes: bytes, asked: ["scores"]) })
    {
      #expect(try gradients(plan) == expected, "\(plan.segments)")
      let kept = try Set(graph.forward(x, weights, plan).keys)
      #expect(kept.isDisjoint(with: plan.releases.joined()) && kept.contains("scores"))
    }
    #expect(graph.peak(stages, bytes: bytes) <= graph.peak(all, bytes: bytes))
  }

  @Test
  func blocksLearn() throws {
    var options = TuneOptions()
    (options.length, options.batch, options.rate, options.blockShare) = (.epochs(20), 8, 0.01, 0.5)
    let tuner = try Tuner(
      factored, teacher: TinyNetwork.classifier(seed: 1), images: RandomImages(), options: options)
    var losses: [Double] = []
    let result = try tuner.run(progress: { if $0.isBlockwise { losses.append($0.trainingLoss) } })
    #expect(result.bestLoss < result.startLoss)
    let (first, last) = (try #require(losses.first), try #require(losses.last))
    #expect(last < 0.85 * first, "\(losses)")
  }
}
