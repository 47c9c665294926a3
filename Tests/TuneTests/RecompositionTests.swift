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
    var small = original
    var options = CompressionOptions()
    options.method = try #require(CompressionMethod(form))
    options.budget = .multiplies(0.4)
    _ = try small.compress(options)
    let whole = try small.recomposed(as: original)
    let kinds = ["Conv", "Gemm", "MatMul"]
    func layers(_ model: ModelGraph) -> [[Int]] {
      model.main.nodes.filter { kinds.contains($0.opType) }.map {
        model.main.constants[$0.inputs[1]]?.extents ?? []
      }
    }
    #expect(layers(small) != layers(original))
    #expect(layers(whole) == layers(original))
    var generator = SeededGenerator(seed: 5)
    let x = generator.tensor([3, 1, 28, 28], of: Float.self)
    func answers(_ model: ModelGraph) throws -> [Float] {
      let network = try Network(model)
      let made = try network.run([network.inputs[0].name: NetworkTensor(x)])
      return made[network.outputs[0].name]?.floats?.elements ?? []
    }
    let (before, after) = (try answers(small), try answers(whole))
    let size = before.map(abs).max() ?? 0
    // Sums of some thousand products in another order, through a few layers.
    #expect(!before.isEmpty && before.count == after.count)
    #expect(zip(before, after).allSatisfy { abs($0 - $1) < 1e-4 * size })
    // And it can be factored again.
    var again = whole
    options.budget = .multiplies(0.2)
    _ = try again.compress(options)
    #expect(layers(again) != layers(original))
  }
}
