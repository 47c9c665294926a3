import ModelGraph
import Tensors
import Testing

@testable import Tune

/// Blocks: where they are found, and that they learn.
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
