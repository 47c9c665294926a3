import LinearAlgebra
import Tensors

extension CPModel {
  /// One term for each fibre along the longest mode, unit vectors in the others: exact for every tensor, in as many terms
  /// as the product of all extents but the longest. Nothing is left for an iteration to find, or to lose.
  ///
  /// **Shapes** `tensor` [T, taps, S], the product of `spatial` being `taps`.
  ///
  /// **Source** Kolda and Bader 2009, section 3.1 (the bound on the rank of a tensor).
  init(fibresOf tensor: Tensor<Element>, spatial: [Int]) {
    let (outputs, taps, inputs) = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
    let extents = [outputs, inputs] + spatial
    let strides = [taps * inputs, 1] + (spatial.count == 1 ? [inputs] : [spatial[1] * inputs, inputs])
    let longest = extents.indices.max { extents[$0] < extents[$1] } ?? 0
    let others = extents.indices.filter { $0 != longest }
    let rank = others.reduce(1) { $0 * extents[$1] }
    var modes = extents.map { Tensor<Element>(shape: [rank, $0]) }
    for r in 0..<rank {
      var (rest, offset) = (r, 0)
      for mode in others {
        let index = rest % extents[mode]
        rest /= extents[mode]
        setRow(&modes[mode], r, unit: index)
        offset += index * strides[mode]
      }
      let (extent, step) = (extents[longest], strides[longest])
      modes[longest].withMutableSpan { row in
        tensor.withSpan { elements in
          for i in 0..<extent { row[r * extent + i] = elements[offset + i * step] }
        }
      }
    }
    self.modes = modes
  }
}
