import ModelGraph
import Tensors
import Testing

@testable import Tune

/// Blocks: where they are found, that they learn, and what hints come of them.
struct BlockTests {
  private var factored: ModelGraph { factored(TinyNetwork.classifier(seed: 1)) }

  /// The tiny network with its second convolution in two stages.
  private func factored(_ whole: ModelGraph) -> ModelGraph {
    var model = whole
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

  /// The tiny network with a normalization and a rectifier behind its second convolution.
  private var normalized: ModelGraph {
    var model = TinyNetwork.classifier(seed: 1)
    for name in ["scale", "shift", "mean", "variance"] {
      model.main.constants.append(
        Constant(name: name, Tensor<Float>(shape: [5], repeating: 0.5), type: .float32))
    }
    model.main.nodes[3].inputs = ["r"]
    let inputs = ["c", "scale", "shift", "mean", "variance"]
    model.main.nodes.insert(Node(opType: "BatchNormalization", inputs: inputs, outputs: ["n"]), at: 3)
    model.main.nodes.insert(Node(opType: "Relu", inputs: ["n"], outputs: ["r"]), at: 4)
    return model
  }

  private func hints(_ change: (inout ModelGraph) -> Void = { _ in }) throws -> [String] {
    var model = factored(normalized)
    change(&model)
    return try MatchSelection(model, teacher: normalized, loss: nil, orders: ["scores": 2]).hints.map(\.value)
  }

  @Test
  func hintsAreWhatNextLayersRead() throws {
    #expect(try hints() == ["r"])
    let other = Constant(name: "other", Tensor<Float>(shape: [5], repeating: 0.25), type: .float32)
    #expect(
      try hints {
        $0.main.constants.append(other)
        $0.main.nodes[4].inputs[3] = "other"
      } == ["c", "r"], "a normalization of its own ends a block, and no hint goes through it")
    #expect(
      try hints { $0.main.nodes.append(Node(opType: "Relu", inputs: ["n"], outputs: ["second"])) } == ["n"])
    #expect(try hints { $0.main.outputs[0] = ValueInfo(name: "r") } == [], "an output is matched already")
  }

  /// A loss of hints beside that of the outputs, in proportion to its weight, which the judgement leaves out.
  @Test
  func hintsAddToTheLoss() throws {
    let figures = try [0.0, 1, 3].map { weight in
      let task = try tuner(hintWeight: weight).task
      #expect(task.matches.hints.count == (weight > 0 ? 1 : 0))
      let step = try task.gradients(Array(0..<8), .whole, task.startWeights, variation: nil)
      let slope = try #require(step.gradients["up"]).elements[0]
      return (step.loss, Double(slope), try task.heldBackLoss(task.startWeights))
    }
    let (none, one, three) = (figures[0], figures[1], figures[2])
    #expect(one.0 > 1.1 * none.0)
    #expect(abs(three.0 - none.0 - 3 * (one.0 - none.0)) < 1e-5 * three.0)
    #expect(abs(one.1 - none.1) > 0.01 * abs(none.1))
    #expect(abs(three.1 - none.1 - 3 * (one.1 - none.1)) < 1e-4 * abs(three.1))
    #expect(one.2 == none.2 && three.2 == none.2)
  }

  /// Hints that are asked for and not found are an error.
  @Test
  func hintsNeedAFactoredLayer() throws {
    #expect(throws: TuneError.self) { try tuner(normalized, hintWeight: 1) }
    #expect(try tuner(normalized, hintWeight: 0).hints.isEmpty)
  }

  private func tuner(_ model: ModelGraph? = nil, hintWeight: Double) throws -> Tuner {
    var options = TuneOptions()
    (options.length, options.batch, options.hintWeight) = (.epochs(1), 8, hintWeight)
    return try Tuner(
      model ?? factored(normalized), teacher: normalized, images: RandomImages(), loss: .meanSquare,
      options: options)
  }
}
