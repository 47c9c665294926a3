import LinearAlgebra
import Tensors

/// The stages of a convolution as products with column matrices read them, whatever the size of the image: by CBLAS, or by
/// kernels of our own.
final class GEMMWeights<Element: LapackScalar>: Sendable {
  /// [groups, S / groups D..., T / groups] for each stage: transposed, because OpenBLAS allocates in small products of two
  /// matrices as they lie (0.3.21, on AVX-512), and in no other.
  let transposed: [Tensor<Element>]
  /// The same for the kernels of our own, in the place of `transposed`; nil where CBLAS runs the stages.
  let kernels: MapsKernels?
  let biases: [Tensor<Element>?]
  let activations: [Activation]

  /// Weights for the kernels of `variant` where the elements are Float and the processor has it, else for CBLAS.
  init(_ stages: [ConvolutionStage<Element>], variant: KernelVariant?) {
    let floats = stages as? [ConvolutionStage<Float>]
    kernels = variant.flatMap { variant in floats.flatMap { MapsKernels($0, variant: variant) } }
    let others = kernels == nil ? stages : []
    transposed = others.map { stage in
      let (outputs, inputs) = (stage.outputChannels, stage.weights.count / stage.outputChannels)
      return stage.weights.reshaped([stage.groups, outputs / stage.groups, inputs]).permuted([0, 2, 1])
    }
    biases = stages.map(\.bias)
    activations = stages.map(\.activation)
  }

  /// The number of tensors, and their bytes.
  var contents: (count: Int, bytes: Int) {
    if let kernels {
      return (kernels.strips.count, kernels.strips.reduce(0) { $0 + $1.byteCount })
    }
    return (transposed.count, transposed.reduce(0) { $0 + $1.count * MemoryLayout<Element>.stride })
  }
}
