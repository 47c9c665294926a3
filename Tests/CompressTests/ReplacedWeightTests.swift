import Forms
import ONNX
import Tensors
import TestSupport
import Testing

@testable import Compress
@testable import ModelGraph

/// Layers side by side whose kernels have the same extents.
@Suite struct ReplacedWeightTests {
  /// The model `conv2d` with its convolution a second time, under another name and with a weight of its own or the same.
  private func twice(sharing: Bool) throws -> ModelGraph {
    var model = try ModelGraph(onnx: Vectors.path("conv2d.onnx"))
    let layer = try #require(try model.layers().first)
    var node = model.main.nodes[layer.node]
    (node.name, node.outputs) = ("the second", ["the second's"])
    if !sharing {
      let kernel = try model.kernel(of: layer)
      let negative = Tensor(shape: kernel.shape, elements: kernel.elements.map { -$0 })
      node.inputs[1] = "the second's weight"
      model.main.constants.append(Constant(name: node.inputs[1], negative, type: .float32))
    }
    model.main.nodes.append(node)
    return model
  }

  @Test(arguments: [false, true])
  func weightsTellLayersApart(sharing: Bool) throws {
    let layers = try twice(sharing: sharing).layers()
    try #require(layers.count == 2 && layers[0].kernelShape == layers[1].kernelShape)
    #expect((layers[0].kernelIdentity == layers[1].kernelIdentity) == sharing)
  }

  /// What is put in the place of each is in the file, once where they share it.
  @Test(arguments: [false, true])
  func replacedLayersHaveTheirOwnWeights(sharing: Bool) throws {
    var model = try twice(sharing: sharing)
    let form = FactoredForm.tucker2(outputRank: 3, inputRank: 2)
    model.replace(
      try model.layers().enumerated().map { place, layer in
        let weights = form.stages(kernel: try #require(layer.kernelShape)).map {
          Tensor<Float>(shape: $0.weightShape, repeating: sharing ? 1 : Float(place + 1))
        }
        return LayerReplacement(layer: layer, form: form, weights: weights)
      })
    let weights = model.main.nodes.filter { $0.opType == "Conv" }.map { $0.inputs[1] }
    let values = try weights.map { try model.main.constants[$0]?.floats()?.elements.first }
    #expect(values == (sharing ? [1, 1, 1, 1, 1, 1] : [1, 1, 1, 2, 2, 2]))
    #expect(Set(weights).count == (sharing ? 3 : 6))
  }
}
