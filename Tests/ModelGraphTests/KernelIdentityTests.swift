import ONNX
import Tensors
import TestSupport
import Testing

@testable import ModelGraph

/// Layers side by side whose kernels have the same extents.
@Suite struct KernelIdentityTests {
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
}
