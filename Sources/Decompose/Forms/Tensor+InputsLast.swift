import LinearAlgebra
import Tensors

extension Tensor where Element: LapackScalar {
  /// A kernel [T, S, D...] times a factor, as [T, taps, S].
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  func inputsLast(times factor: Element) -> Tensor {
    let (outputs, inputs) = (shape[0], shape[1])
    let taps = count / (outputs * inputs)
    guard taps > 1 else { return scaled(by: factor).reshaped([outputs, 1, inputs]) }
    return Tensor(shape: [outputs, taps, inputs]) { target in
      withSpan { source in
        for t in 0..<outputs {
          let slab = t * taps * inputs
          for d in 0..<taps {
            for s in 0..<inputs { target[slab + d * inputs + s] = factor * source[slab + s * taps + d] }
          }
        }
      }
    }
  }
}
