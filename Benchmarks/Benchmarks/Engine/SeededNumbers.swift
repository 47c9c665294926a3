import LinearAlgebra
import Tensors

/// Random numbers that are the same in every run.
///
/// **Source** SplitMix64: Steele, Lea and Flood, OOPSLA 2014.
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Numbers from -1 to 1.
  mutating func tensor(_ shape: Shape) -> Tensor<Float> {
    Tensor(shape: shape, elements: (0..<shape.count).map { _ in Float.random(in: -1...1, using: &self) })
  }

  /// A kernel whose spectra decay in both channel modes, as trained ones do: random numbers scaled down along
  /// the channels and mixed by a random matrix in each mode.
  static func kernel(_ shape: Shape) -> Tensor<Float> {
    let (outputs, inputs) = (shape[0], shape[1])
    var random = SeededNumbers(seed: 2)
    var core = random.tensor(shape)
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
