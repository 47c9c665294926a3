import Tensors

extension BandedDesign {
  /// Packs the weights of all stages, in order, and the bias.
  func pack(_ weights: [Tensor<Float>], bias: Tensor<Float>?) -> [PackedWeights] {
    var packed = zip(planes.indices, weights).map { index, tensor in
      tensor.withSpan { pack(stage: index, $0) }
    }
    if let bias {
      packed.append(
        PackedWeights(count: roundUp(bias.count, to: 16)) { _ = $0.update(fromContentsOf: bias.elements) })
    }
    return packed
  }

  private func pack(stage index: Int, _ w: Span<Float>) -> PackedWeights {
    let (plane, width) = (planes[index], machine.width)
    let (inputs, taps) = (plane.inputChannels / plane.groups, plane.kernel.height * plane.kernel.width)
    if leavesPointwise, index == planes.count - 1 {
      guard let exitPanel else {
        return .strips(plane.outputChannels, depth: inputs, strip: machine.strip) { w[$0 * inputs + $1] }
      }
      return .columns(plane.outputChannels, depth: inputs, panel: exitPanel, width: width) {
        w[$0 * inputs + $1]
      }
    }
    switch core.contains(index) ? algorithm(index) : .direct {
    case .depthwise:
      let row = roundUp(plane.outputChannels, to: width)
      return PackedWeights(count: taps * row) { target in
        for c in 0..<plane.outputChannels {
          for tap in 0..<taps { target[tap * row + c] = w[c * taps + tap] }
        }
      }
    case .winograd(let form):
      return form.packed(
        w, outputs: plane.outputChannels, inputs: inputs, panel: panel(index), width: width)
    case .direct:
      return .columns(plane.outputChannels, depth: taps * inputs, panel: panel(index), width: width) {
        column, depth in w[(column * inputs + depth % inputs) * taps + depth / inputs]
      }
    }
  }
}
