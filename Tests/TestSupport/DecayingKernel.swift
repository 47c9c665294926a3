import Tensors

extension Tensor {
  /// A kernel whose channel modes have decaying spectra, as trained ones do: random numbers scaled down along both
  /// channel axes and mixed by a random matrix in each, plus noise.
  public static func decayingKernel(_ shape: Shape, using generator: inout SeededGenerator) -> Tensor {
    let mixers = (0..<2).map { Tensor<Double>.random([shape[$0], shape[$0]], using: &generator) }
    let inner = shape.extents.dropFirst(2).reduce(1, *)
    let core = Tensor<Double>(
      shape: [shape[0], shape[1], inner],
      elements: (0..<shape.count).map { index in
        let (t, s) = (index / inner / shape[1], index / inner % shape[1])
        let decay = 1 / Double((1 + 3 * t / shape[0] * 4) * (1 + 3 * s / shape[1] * 4))
        return Double.random(in: -1...1, using: &generator) * decay
      })
    let mixed1 = naiveProduct(mixers[0], core.unfolded(mode: 1)).reshaped(core.shape)
    let mixed2 = Tensor<Double>.folded(
      naiveProduct(mixers[1], mixed1.unfolded(mode: 2)), mode: 2, shape: core.shape)
    return Tensor(
      shape: shape,
      elements: mixed2.elements.map { Element($0 + 0.01 * Double.random(in: -1...1, using: &generator)) })
  }
}
