import Tensors

/// The groups of a stage as they run: in blocks of several neighbours, each block one product.
///
/// A group of fewer channels than a vector holds would leave lanes empty; neighbours together fill them, the weights between
/// channels of different groups being zeros. An infinity or a NaN in a channel therefore reaches the other groups of its block.
struct GroupBlocks: Hashable, Sendable {
  /// The number of blocks.
  let count: Int
  /// The channels of a block.
  let inputs: Int
  let outputs: Int

  /// Everything in one block.
  init(whole plane: PlaneGeometry) {
    (count, inputs, outputs) = (1, plane.inputChannels, plane.outputChannels)
  }

  private init(_ plane: PlaneGeometry, count: Int) {
    (self.count, inputs, outputs) = (count, plane.inputChannels / count, plane.outputChannels / count)
  }

  /// The blocks that take the fewest cycles, with products of so many pixels.
  static func fastest(_ plane: PlaneGeometry, pixels: Int, machine: Machine) -> GroupBlocks {
    guard plane.groups > 1, !plane.isDepthwise else { return GroupBlocks(whole: plane) }
    let counts = (1...plane.groups).filter { plane.groups % $0 == 0 }
    let blocks = counts.map { GroupBlocks(plane, count: $0) }
    return blocks.min {
      $0.cycles(plane, pixels: pixels, machine) < $1.cycles(plane, pixels: pixels, machine)
    } ?? GroupBlocks(whole: plane)
  }

  /// An estimate of the cycles of one row: for the multiplies, and to begin and end the tiles.
  private func cycles(_ plane: PlaneGeometry, pixels: Int, _ machine: Machine) -> Double {
    let vectors = machine.vectors(outputs)
    let depth = Double(plane.kernel.height * plane.kernel.width * inputs)
    let panel = machine.panel(pixels: pixels, vectors: vectors)
    let sums = machine.cycles(pixels: pixels, vectors: vectors, panel: panel) * depth
    // A vector that is not full leaves its tile one by one.
    let ends = Double(pixels * vectors) * (outputs % machine.width == 0 ? 1.5 : 4)
    return Double(count) * (sums + ends + 30)
  }

  /// The weights of a block as a dense stage has them, [outputs, inputs, taps].
  func weight(
    _ w: Span<Float>, of plane: PlaneGeometry, block: Int, _ output: Int, _ input: Int, _ tap: Int
  ) -> Float {
    let taps = plane.kernel.height * plane.kernel.width
    let (groupInputs, groupOutputs) = (
      plane.inputChannels / plane.groups, plane.outputChannels / plane.groups
    )
    guard output / groupOutputs == input / groupInputs else { return 0 }
    return w[((block * outputs + output) * groupInputs + input % groupInputs) * taps + tap]
  }
}
