internal import Tensors

extension ShapeInference {
  /// Convolutions, pools, and what else changes spatial extents.
  func spatial(_ node: Node) -> [Extents?]? {
    switch node.opType {
    case "Conv": return [convolution(node)]
    case "ConvTranspose": return [transposedConvolution(node)]
    case "MaxPool", "AveragePool", "LpPool":
      guard let input = extents(node, 0), let kernel = node.ints("kernel_shape") else { return [nil] }
      let roundsUp = node.int("ceil_mode", default: 0) != 0
      let output = windows(node, input: input, kernel: kernel, roundsUp: roundsUp)
      return [output, output]
    case "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool":
      return [extents(node, 0).map { $0.prefix(2) + $0.dropFirst(2).map { _ in 1 } }]
    case "Resize", "Upsample": return [resized(node)]
    case "Pad": return [padded(node)]
    case "DepthToSpace", "SpaceToDepth": return [blocks(node)]
    default: return nil
    }
  }

  private func convolution(_ node: Node) -> Extents? {
    guard let input = extents(node, 0), let weight = extents(node, 1), weight.count == input.count,
      weight.count >= 2
    else { return nil }
    guard let kernel = known(Array(weight.dropFirst(2))),
      var output = windows(node, input: input, kernel: kernel)
    else { return nil }
    output[1] = weight[0]
    return output
  }

  /// The extents after a window of `kernel` has slid over the input, channels as they were; nil where the window is
  /// impossible or does not fit in. Rounded up, a last window counts that goes over the end, if it begins within the input
  /// or the padding in front of it.
  private func windows(
    _ node: Node, input: Extents, kernel: [Int], roundsUp: Bool = false
  ) -> Extents? {
    guard input.count == kernel.count + 2, let windows = SlidingWindows(node, kernel: kernel) else {
      return nil
    }
    var output = Extents(input.prefix(2))
    for axis in kernel.indices {
      guard let known = input[axis + 2] else {
        output.append(nil)
        continue
      }
      let (extent, stride) = (CheckedInteger(known), windows.strides[axis])
      guard !windows.padsToSame else {
        output.append(extent.dividedRoundingUp(by: stride).value)
        continue
      }
      let room = extent + windows.padding(axis) - windows.covered[axis]
      guard let least = room.value, least >= 0 else { return nil }
      let steps =
        roundsUp
        ? CheckedInteger.least(
          room.dividedRoundingUp(by: stride), (extent + windows.paddingBefore(axis) - 1) / stride)
        : room / stride
      output.append((steps + 1).value)
    }
    return output
  }

  private func transposedConvolution(_ node: Node) -> Extents? {
    guard let input = extents(node, 0), let weight = extents(node, 1), weight.count == input.count,
      weight.count >= 2, let kernel = known(Array(weight.dropFirst(2))),
      let windows = SlidingWindows(node, kernel: kernel)
    else { return nil }
    let channels = CheckedInteger(weight[1]) * CheckedInteger(node.int("group", default: 1))
    let extra = node.ints("output_padding") ?? kernel.map { _ in 0 }
    let given = node.ints("output_shape")
    guard channels.value != nil, extra.count == kernel.count, extra.allSatisfy({ $0 >= 0 }) else {
      return nil
    }
    var output: Extents = [input[0], channels.value]
    for axis in kernel.indices {
      if let given, given.count == kernel.count {
        output.append(given[axis])
        continue
      }
      let (extent, stride) = (CheckedInteger(input[axis + 2]), windows.strides[axis])
      let unpadded = stride * (extent - 1) + CheckedInteger(extra[axis]) + windows.covered[axis]
      // Padding only ever takes away: with a kernel smaller than its stride there is nothing to take.
      let padded =
        windows.padsToSame
        ? CheckedInteger.least(extent * stride, unpadded) : unpadded - windows.padding(axis)
      output.append(padded.value)
    }
    return output.allSatisfy { $0 ?? 0 >= 0 } ? output : nil
  }

  private func padded(_ node: Node) -> Extents? {
    guard let input = extents(node, 0) else { return nil }
    let axes = node.input(3) == nil ? Array(input.indices) : integers(node, 3)?.compactMap { $0 }
    guard let pads = knownIntegers(node, input: 1, attribute: "pads"), let axes, pads.count == 2 * axes.count
    else { return Extents(repeating: nil, count: input.count) }
    var output = input
    for (place, given) in axes.enumerated() {
      guard let axis = axis(given, order: input.count) else { continue }
      output[axis] = CheckedInteger.sum([input[axis], pads[place], pads[place + axes.count]]).value
    }
    return output
  }

  private func blocks(_ node: Node) -> Extents? {
    let block = node.int("blocksize", default: 0)
    guard let input = extents(node, 0), input.count == 4, block > 0 else { return nil }
    let (side, area) = (CheckedInteger(block), CheckedInteger(block) * CheckedInteger(block))
    let scales = [area, side, side]
    return [input[0]]
      + zip(input.dropFirst(), scales).enumerated().map { place, pair in
        let grows = (place == 0) == (node.opType == "SpaceToDepth")
        let extent = CheckedInteger(pair.0)
        return (grows ? extent * pair.1 : extent / pair.1).value
      }
  }

  private func known(_ extents: Extents) -> [Int]? {
    let known = extents.compactMap { $0 }
    return known.count == extents.count ? known : nil
  }
}

/// The windows of a convolution or a pool along each axis, with the defaults of what the node leaves out.
private struct SlidingWindows {
  let strides: [CheckedInteger]
  /// How many positions a window spans, from its first to its last.
  let covered: [CheckedInteger]
  /// Whether the padding makes the output the input's extent divided by the stride, or times it where transposed.
  let padsToSame: Bool
  private let pads: [Int]

  /// nil where a number of the node is one that no window has.
  init?(_ node: Node, kernel: [Int]) {
    func numbers(_ name: String, _ count: Int, default value: Int, least: Int) -> [Int]? {
      guard let given = node.ints(name), !given.isEmpty else { return [Int](repeating: value, count: count) }
      return given.count == count && given.allSatisfy { $0 >= least } ? given : nil
    }
    guard kernel.allSatisfy({ $0 >= 1 }),
      let strides = numbers("strides", kernel.count, default: 1, least: 1),
      let dilations = numbers("dilations", kernel.count, default: 1, least: 1),
      let pads = numbers("pads", 2 * kernel.count, default: 0, least: .min)
    else { return nil }
    let automatic = node.string("auto_pad") ?? "NOTSET"
    self.strides = strides.map { CheckedInteger($0) }
    covered = zip(dilations, kernel).map { CheckedInteger($0) * (CheckedInteger($1) - 1) + 1 }
    padsToSame = automatic.hasPrefix("SAME")
    self.pads = automatic == "VALID" ? pads.map { _ in 0 } : pads
    guard covered.allSatisfy({ $0.value != nil }) else { return nil }
  }

  /// The padding in front, where the node gives it.
  func paddingBefore(_ axis: Int) -> CheckedInteger { CheckedInteger(pads[axis]) }

  /// Both ends' padding together, where the node gives it.
  func padding(_ axis: Int) -> CheckedInteger { .sum([pads[axis], pads[axis + strides.count]]) }
}
