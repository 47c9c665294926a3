import Compress
import ModelGraph
import Network
import ONNX
import TestSupport
import Tensors
import Testing

@testable import Tune

/// Factored layers as one layer again.
struct RecompositionTests {
  /// The example with every form that fits: what is put together makes what its factors made, and has the original's layers.
  @Test(arguments: ["tucker2", "cp3", "cp4", "spatial", "channel", "auto"])
  func factoredLayersBecomeOne(form: String) throws {
    let original = try ModelGraph(onnx: Vectors.example("mnist.onnx"))
    let whole = try Self.recomposed(original, Self.options(form, multiplies: 0.4), image: [3, 1, 28, 28])
    // And it can be factored again.
    var again = whole
    _ = try again.compress(Self.options(form, multiplies: 0.2))
    #expect(Self.layers(again) != Self.layers(original))
  }

  /// Each group has a kernel of its own.
  @Test(arguments: ["channel", "spatial", "tucker2"])
  func groupsBecomeGroupsAgain(form: String) throws {
    var generator = SeededGenerator(seed: 6)
    let layer = Node(
      name: "layer", opType: "Conv", inputs: ["image", "w"], outputs: ["scores"],
      attributes: [Attribute("pads", .ints([1, 1, 1, 1])), Attribute("group", .int(2))])
    let weight = Constant(name: "w", generator.tensor([16, 8, 3, 3], of: Float.self), type: .float32)
    let original = TinyNetwork.model(nodes: [layer], constants: [weight], channels: 16)
    var options = try Self.options(form, multiplies: 0.6)
    options.rankMultiple = 1
    options.inputShapes = ["image": [2, 16, 7, 9]]
    _ = try Self.recomposed(original, options, image: [2, 16, 7, 9])
  }

  private static func options(_ form: String, multiplies share: Double) throws -> CompressionOptions {
    var options = CompressionOptions()
    options.method = try #require(CompressionMethod(form))
    options.budget = .multiplies(share)
    return options
  }

  /// A network factored and put together again, with the original's layers and the answers of the factored one.
  private static func recomposed(
    _ original: ModelGraph, _ options: CompressionOptions, image: Shape
  ) throws -> ModelGraph {
    var small = original
    _ = try small.compress(options)
    let whole = try small.recomposed(as: original)
    #expect(layers(small) != layers(original))
    #expect(layers(whole) == layers(original))
    var generator = SeededGenerator(seed: 5)
    let x = generator.tensor(image, of: Float.self)
    let (before, after) = (try answers(small, x), try answers(whole, x))
    let size = before.map(abs).max() ?? 0
    // Sums of some thousand products in another order, through a few layers.
    #expect(!before.isEmpty && before.count == after.count)
    #expect(zip(before, after).allSatisfy { abs($0 - $1) < 1e-4 * size })
    return whole
  }

  /// The shapes of the layers' weights.
  private static func layers(_ model: ModelGraph) -> [[Int]] {
    model.main.nodes.filter { ["Conv", "ConvTranspose", "Gemm", "MatMul"].contains($0.opType) }.map {
      model.main.constants[$0.inputs[1]]?.extents ?? []
    }
  }

  private static func answers(_ model: ModelGraph, _ image: Tensor<Float>) throws -> [Float] {
    let network = try Network(model)
    let made = try network.run([network.inputs[0].name: NetworkTensor(image)])
    return made[network.outputs[0].name]?.floats?.elements ?? []
  }
}
