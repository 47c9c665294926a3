import LinearAlgebra
import Tensors

/// The stages of a convolution as the path through CBLAS reads them, whatever the size of the image.
final class GEMMWeights<Element: LapackScalar>: Sendable {
  /// [groups, S / groups D..., T / groups] for each stage: transposed, because OpenBLAS allocates in small products of two
  /// matrices as they lie (0.3.21, on AVX-512), and in no other.
  let transposed: [Tensor<Element>]
  let biases: [Tensor<Element>?]
  let activations: [Activation]

  init(_ stages: [ConvolutionStage<Element>]) {
    transposed = stages.map { stage in
      let (outputs, inputs) = (stage.outputChannels, stage.weights.count / stage.outputChannels)
      return stage.weights.reshaped([stage.groups, outputs / stage.groups, inputs]).permuted([0, 2, 1])
    }
    biases = stages.map(\.bias)
    activations = stages.map(\.activation)
  }

  /// The number of tensors, and their bytes.
  var contents: (count: Int, bytes: Int) {
    (transposed.count, transposed.reduce(0) { $0 + $1.count * MemoryLayout<Element>.stride })
  }
}
