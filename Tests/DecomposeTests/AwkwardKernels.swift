import Forms
import Tensors
import TestSupport

/// Kernels that decompositions are easily wrong on: equal singular values, none at all beyond a few, dead channels.
enum AwkwardKernel: String, CaseIterable, Sendable {
  case noise, decaying, repeated, deficient, dead, spike

  /// A kernel of unit size.
  func make<E: Scalar>(
    _ shape: Shape, _: E.Type = E.self, using generator: inout SeededGenerator
  ) -> Tensor<E> {
    let taps = shape.count / (shape[0] * shape[1])
    var kernel = Tensor<Double>(shape: [shape[0], shape[1], taps])
    switch self {
    case .noise: kernel = .random(kernel.shape, using: &generator)
    case .decaying: kernel = .decayingKernel(kernel.shape, using: &generator)
    case .repeated:
      for i in 0..<min(shape[0], shape[1]) { kernel[i, i, i % taps] = 1 }
    case .deficient:
      let (t, s) = ((shape[0] + 2) / 3, (shape[1] + 1) / 2)
      let core = Tensor<Double>.random([t, s, taps], using: &generator)
      let factors = Tucker2Factors(
        core: core, mode1: .random([shape[0], t], using: &generator),
        mode2: .random([shape[1], s], using: &generator))
      kernel = naiveReconstruction(.tucker2(factors))
    case .dead:
      kernel = .random(kernel.shape, using: &generator)
      for t in (shape[0] * 5 / 8)..<shape[0] {
        for s in 0..<shape[1] {
          for d in 0..<taps { kernel[t, s, d] *= 1e-36 }
        }
      }
    case .spike: kernel[shape[0] / 2, shape[1] / 2, taps / 2] = 1
    }
    return kernel.reshaped(shape).converted()
  }
}

extension Tensor {
  /// Every element times a factor.
  func times(_ factor: Element) -> Tensor { Tensor(shape: shape, elements: elements.map { $0 * factor }) }
}
