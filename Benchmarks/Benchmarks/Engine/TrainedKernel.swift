import LinearAlgebra
import Tensors

extension SeededGenerator {
  /// A kernel whose spectra decay in both channel modes, as trained ones do: random numbers scaled down along
  /// the channels and mixed by a random matrix in each mode.
  static func kernel(_ shape: Shape) -> Tensor<Float> {
    let (outputs, inputs) = (shape[0], shape[1])
    var random = SeededGenerator(seed: 2)
    var core: Tensor<Float> = random.tensor(shape)
    let inner = shape.count / (outputs * inputs)
    core.withMutableSpan { core in
      for index in core.indices {
        let (t, s) = (index / inner / inputs, index / inner % inputs)
        let decay = 1 / Float((1 + 12 * t / outputs) * (1 + 12 * s / inputs))
        core[index] *= decay
      }
    }
    let mixed = matrixProduct(random.tensor([outputs, outputs]), core.unfolded(mode: 1)).reshaped(shape)
    return Tensor.folded(
      matrixProduct(random.tensor([inputs, inputs]), mixed.unfolded(mode: 2)), mode: 2, shape: shape)
  }
}
