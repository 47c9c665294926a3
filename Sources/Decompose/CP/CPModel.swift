import LinearAlgebra
import Forms
import Tensors

/// The factors of a CP decomposition while they are worked on: one row a component, so that each is contiguous.
///
///     X[t, (d1, d2, ...), s] ~ sum over r of  modes[0][r, t] modes[1][r, s] modes[2][r, d1] modes[3][r, d2] ...
///
/// **Shapes** `modes[0]` [R, T], `modes[1]` [R, S], the others [R, Dk].
struct CPModel<Element: LapackScalar>: Sendable {
  var modes: [Tensor<Element>]

  var rank: Int { modes[0].shape[0] }

  /// The norm of each component, the product of its rows' norms.
  var componentNorms: [Double] {
    let norms = modes.map(\.rowNorms)
    return (0..<rank).map { r in norms.reduce(1) { $0 * $1[r] } }
  }

  /// The kernel of each component over all spatial axes, [R, taps].
  var taps: Tensor<Element> {
    modes.dropFirst(3).reduce(modes[2]) { rowwiseKroneckerProduct($0, $1) }
  }

  /// Gives the rows of every component the same norm in all modes, times `unit` for the component as a whole.
  ///
  /// Of all scalings of the same terms this one has the least sensitivity to errors in the factors.
  mutating func balance(unit: Double = 1) {
    let norms = modes.map(\.rowNorms)
    let order = Double(modes.count)
    let targets = (0..<rank).map { r in
      // The product of roots, not the root of the product: that one may leave the range.
      norms.reduce(power(unit, 1 / order)) { $0 * power($1[r], 1 / order) }
    }
    // A root of 1e30 is off by many epsilons, and by the same in all modes: the first mode makes up for it.
    let corrections = (0..<rank).map { r in
      norms.reduce(unit) { targets[r] > 0 ? $0 * ($1[r] / targets[r]) : 1 }
    }
    for mode in modes.indices {
      scaleRows(
        &modes[mode],
        by: (0..<rank).map { r in
          guard norms[mode][r] > 0 else { return 0 }
          return targets[r] / norms[mode][r] * (mode == 0 ? corrections[r] : 1)
        })
    }
  }

  /// Gives components that are rounding beside the largest one, which sweeps would hardly ever move, random rows in all
  /// modes but the first: the next update of mode 1 finds what they are worth.
  ///
  /// A core that is exact with fewer terms leaves such components; on the whole tensor they have work to do, and rows
  /// within the core's subspaces cannot find it.
  mutating func revive(_ random: inout SeededGenerator) {
    let norms = componentNorms
    let least = 8 * Double(Element.ulpOfOne) * (norms.max() ?? 0)
    let dead = norms.indices.filter { norms[$0] <= least }
    guard !dead.isEmpty else { return }
    for mode in 1..<modes.count {
      let fresh: Tensor<Element> = random.tensor([dead.count, modes[mode].shape[1]])
      for (position, r) in dead.enumerated() {
        setRow(&modes[mode], r, to: Tensor(fresh.view.sliced(axis: 0, position..<(position + 1))))
      }
    }
    for r in dead { setRow(&modes[0], r, to: Tensor(shape: [1, modes[0].shape[1]])) }
  }

  /// The same factors in another precision.
  func converted<Other: LapackScalar>(to: Other.Type = Other.self) -> CPModel<Other> {
    CPModel<Other>(modes: modes.map { $0.converted() })
  }

  /// The factors of a kernel of this shape.
  func factors(kernel shape: Shape) -> FactoredKernel<Element> {
    let (mode1, mode2) = (modes[0].permuted([1, 0]), modes[1].permuted([1, 0]))
    if modes.count == 4 {
      return .cp4(CP4Factors(mode1: mode1, mode2: mode2, vertical: modes[2], horizontal: modes[3]))
    }
    let kernel = modes[2].reshaped(Shape([rank] + shape.extents.dropFirst(2)))
    return .cp3(CP3Factors(mode1: mode1, mode2: mode2, kernel: kernel))
  }
}

/// Each row of a matrix times a factor.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func scaleRows<Element: Scalar>(_ matrix: inout Tensor<Element>, by factors: [Double]) {
  let columns = matrix.shape[1]
  matrix.withMutableSpan { span in
    for (row, factor) in factors.enumerated() {
      for i in (row * columns)..<((row + 1) * columns) { span[i] = Element(Double(span[i]) * factor) }
    }
  }
}
