import Decompose
import Forms
import Tensors

extension FactoredKernel<Float> {
  /// The factors as they are after being stored in a format, each along the output channels of its stage; scales are
  /// moved between the stages beforehand so that rounding loses least.
  func rounded(to format: WeightFormat) -> FactoredKernel {
    guard format != .original else { return self }
    let balanced = balanced()
    let stages = Dictionary(uniqueKeysWithValues: form.kind.stages.map { ($0.name, $0) })
    let parts = zip(form.kind.parts, balanced.parts).map { name, part in
      stages[name].map { format.rounded(part, axis: $0.outputAxis) } ?? part
    }
    return FactoredKernel(form: form, kernelShape: kernelShape, parts: parts)
  }

  /// The same kernel with the scale of each inner channel moved between the stages that it stands between: both then
  /// have the same norm there.
  ///
  ///     a_r' = s_r a_r,  b_r' = b_r / s_r,  s_r = sqrt(||b_r|| / ||a_r||) to the next power of two
  ///
  /// A rounding error of one scale an element adds `||e||² = |e_a|² sum ||b_r||² / s_r² + |e_b|² sum ||a_r||² s_r²`; the
  /// product of the sums is least where they are shared out like that (Cauchy-Schwarz). Depthwise stages have a scale of
  /// their own for each channel in any case: theirs is made 1, and goes into the stage in front.
  ///
  /// **Accuracy** exact: powers of two, where no number leaves the normal range.
  func balanced() -> FactoredKernel {
    let stages = form.kind.stages
    let places = stages.map { stage in form.kind.parts.firstIndex(of: stage.name) }
    var parts = parts
    // The stages of a chain of three pull at each other: the second sweep takes up what the first one moved.
    for _ in 0..<2 {
      var source = 0
      for next in stages.indices.dropFirst() {
        guard let a = places[source], let b = places[next] else { continue }
        let isDepthwise = stages[next].layout == .depthwise
        let inner = parts[b].channelNorms(axis: stages[next].inputAxis)
        let outer = parts[a].channelNorms(axis: stages[source].outputAxis)
        let exponents = zip(outer, inner).map { outer, inner in
          isDepthwise ? balance(1, inner) : balance(outer, inner) / 2
        }.map { Int($0.rounded()) }
        parts[a].scale(axis: stages[source].outputAxis, exponents)
        parts[b].scale(axis: stages[next].inputAxis, exponents.map { -$0 })
        if !isDepthwise { source = next }
      }
    }
    return FactoredKernel(form: form, kernelShape: kernelShape, parts: parts)
  }
}

/// The binary logarithm of what one norm is of the other; 0 where a channel is zero, or no number. Not so large
/// that the power of two itself leaves the range.
private func balance(_ outer: Double, _ inner: Double) -> Double {
  guard outer > 0, inner > 0, outer.isFinite, inner.isFinite else { return 0 }
  let exponent = logarithm(inner / outer) / logarithm(2)
  return max(-96, min(96, exponent))
}

extension FormStage {
  /// The axis of the stage's part that its output channels are on.
  fileprivate var outputAxis: Int { layout == .transposed ? 1 : 0 }

  /// The axis of the stage's part that its input channels are on.
  fileprivate var inputAxis: Int { layout == .transposed || layout == .depthwise ? 0 : 1 }
}

extension Tensor where Element == Float {
  /// The Frobenius norm of each channel of an axis, in Double.
  fileprivate func channelNorms(axis: Int) -> [Double] {
    let places = ChannelPlaces(shape, axis: axis)
    var sums = [Double](repeating: 0, count: shape[axis])
    withSpan { values in
      for i in values.indices { sums[places.channel(i)] += Double(values[i]) * Double(values[i]) }
    }
    return sums.map { $0.squareRoot() }
  }

  /// Each channel of an axis times a power of two.
  fileprivate mutating func scale(axis: Int, _ exponents: [Int]) {
    let places = ChannelPlaces(shape, axis: axis)
    let factors = exponents.map { Float(sign: .plus, exponent: $0, significand: 1) }
    withMutableSpan { values in
      for i in values.indices { values[i] *= factors[places.channel(i)] }
    }
  }
}
