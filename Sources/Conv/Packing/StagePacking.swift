import Tensors

/// A layout of a stage's weights that one of the kernels reads: it does not depend on the extents of the image, nor on the
/// number of threads.
enum StagePacking: Hashable, Sendable {
  /// Columns in panels of so many vectors, for products tap by tap, one block of groups after the other.
  case columns(panel: Int, GroupBlocks)
  /// Strips of outputs, for the last pointwise stage on channel-first maps.
  case strips
  case depthwise
  /// Transformed, as columns in panels.
  case winograd(WinogradForm, panel: Int)
  /// The tensor itself.
  case asTheyLie

  /// Packs the weights of a stage.
  func pack(_ weights: Tensor<Float>, of plane: PlaneGeometry, for machine: Machine) -> PackedWeights {
    guard self != .asTheyLie else { return PackedWeights(lying: weights) }
    return weights.withSpan { pack($0, of: plane, for: machine) }
  }

  private func pack(_ w: Span<Float>, of plane: PlaneGeometry, for machine: Machine) -> PackedWeights {
    let (inputs, taps) = (plane.inputChannels / plane.groups, plane.kernel.height * plane.kernel.width)
    let (outputs, width) = (plane.outputChannels, machine.width)
    switch self {
    case .asTheyLie: preconditionFailure("weights that are not packed")
    case .strips:
      return .strips(
        outputs / plane.groups, depth: inputs, strip: machine.strip, groups: plane.groups
      ) { group, output, input in
        w[(group * outputs / plane.groups + output) * inputs + input]
      }
    case .depthwise:
      let row = roundUp(outputs, to: width)
      return PackedWeights(count: taps * row) { target in
        for c in 0..<outputs {
          for tap in 0..<taps { target[tap * row + c] = w[c * taps + tap] }
        }
      }
    case .winograd(let form, let panel):
      return form.packed(w, outputs: outputs, inputs: inputs, panel: panel, width: width)
    case .columns(let panel, let blocks):
      return .columns(
        blocks.outputs, depth: taps * blocks.inputs, panel: panel, width: width, blocks: blocks.count
      ) { block, column, depth in
        blocks.weight(w, of: plane, block: block, column, depth % blocks.inputs, depth / blocks.inputs)
      }
    }
  }
}

extension BandedDesign {
  /// How the kernels read a stage's weights.
  func packing(_ index: Int) -> StagePacking {
    if leavesPointwise, index == planes.count - 1 {
      return exitPanel.map { .columns(panel: $0, blocks[index]) } ?? .strips
    }
    switch core.contains(index) ? algorithm(index) : .direct {
    case .depthwise: return .depthwise
    case .winograd(let form):
      return madeTogether(index) == nil ? .winograd(form, panel: panel(index)) : .asTheyLie
    case .direct: return .columns(panel: panel(index), blocks[index])
    }
  }
}
