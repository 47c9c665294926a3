import TensorCore

extension ShapeInference {
  /// Convolutions, pools, and what else changes spatial extents.
  func spatial(_ node: Node) -> [Extents?]? {
    switch node.opType {
    case "Conv": return [convolution(node)]
    case "ConvTranspose": return [transposedConvolution(node)]
    case "MaxPool", "AveragePool", "LpPool":
      guard let input = extents(node, 0), let kernel = node.ints("kernel_shape") else { return [nil] }
      let output = windows(node, input: input, kernel: kernel)
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

  /// The extents after a window of `kernel` has slid over the input, channels as they were.
  private func windows(_ node: Node, input: Extents, kernel: [Int]) -> Extents? {
    let axes = kernel.count
    guard input.count == axes + 2, let numbers = WindowNumbers(node, axes: axes) else { return nil }
    let roundsUp = node.int("ceil_mode", default: 0) != 0
    var output = Extents(input.prefix(2))
    for axis in 0..<axes {
      guard let extent = input[axis + 2] else {
        output.append(nil)
        continue
      }
      let (stride, covered) = (numbers.strides[axis], numbers.dilations[axis] * (kernel[axis] - 1) + 1)
      switch numbers.automatic {
      case "SAME_UPPER", "SAME_LOWER": output.append((extent + stride - 1) / stride)
      default:
        let pads = numbers.automatic == "VALID" ? 0 : numbers.pads[axis] + numbers.pads[axis + axes]
        let room = extent + pads - covered
        guard room >= 0, extent < 1 << 40 else { return nil }
        output.append((roundsUp ? (room + stride - 1) / stride : room / stride) + 1)
      }
    }
    return output
  }

  private func transposedConvolution(_ node: Node) -> Extents? {
    guard let input = extents(node, 0), let weight = extents(node, 1), weight.count == input.count,
      weight.count >= 2, let kernel = known(Array(weight.dropFirst(2))),
      let numbers = WindowNumbers(node, axes: kernel.count), let perGroup = weight[1]
    else { return nil }
    let (channels, overflow) = perGroup.multipliedReportingOverflow(by: node.int("group", default: 1))
    guard !overflow else { return nil }
    let extra = node.ints("output_padding") ?? kernel.map { _ in 0 }
    let given = node.ints("output_shape")
    guard extra.count == kernel.count, extra.allSatisfy({ (0..<1 << 31).contains($0) }) else { return nil }
    var output: Extents = [input[0], channels]
    for axis in kernel.indices {
      guard let extent = input[axis + 2], extent < 1 << 31 else {
        output.append(nil)
        continue
      }
      let covered = numbers.dilations[axis] * (kernel[axis] - 1) + 1
      if let given, given.count == kernel.count {
        output.append(given[axis])
      } else if numbers.automatic.hasPrefix("SAME") {
        output.append(extent * numbers.strides[axis])
      } else {
        let pads = numbers.pads[axis] + numbers.pads[axis + kernel.count]
        output.append(numbers.strides[axis] * (extent - 1) + extra[axis] + covered - pads)
      }
    }
    return output.allSatisfy { $0 ?? 0 >= 0 } ? output : nil
  }

  private func resized(_ node: Node) -> Extents? {
    guard let input = extents(node, 0) else { return nil }
    let unknown = Extents(repeating: nil, count: input.count)
    let axes = (node.ints("axes") ?? Array(input.indices)).map { axis($0, order: input.count) }
    guard !axes.contains(nil) else { return unknown }
    var output = input
    if let sizes = integers(node, 3), sizes.count == axes.count {
      for (axis, size) in zip(axes, sizes) { if let axis { output[axis] = size } }
      return output
    }
    let place = node.opType == "Upsample" || opset < 11 ? 1 : 2
    guard let scales = node.floats("scales") ?? numbers(node, place), scales.count == axes.count else {
      return unknown
    }
    for (axis, scale) in zip(axes, scales) {
      guard let axis, let extent = input[axis] else { continue }
      output[axis] = Int(exactly: (Double(extent) * Double(scale)).rounded(.down))
    }
    return output
  }

  private func padded(_ node: Node) -> Extents? {
    guard let input = extents(node, 0) else { return nil }
    let axes = node.input(3) == nil ? Array(input.indices) : integers(node, 3)?.compactMap { $0 }
    guard let pads = knownIntegers(node, input: 1, attribute: "pads"), let axes, pads.count == 2 * axes.count
    else { return Extents(repeating: nil, count: input.count) }
    var output = input
    for (place, given) in axes.enumerated() {
      guard let axis = axis(given, order: input.count), let extent = input[axis] else { continue }
      let (first, overflow) = pads[place].addingReportingOverflow(pads[place + axes.count])
      let (sum, second) = extent.addingReportingOverflow(first)
      output[axis] = overflow || second || sum < 0 ? nil : sum
    }
    return output
  }

  private func blocks(_ node: Node) -> Extents? {
    let block = node.int("blocksize", default: 0)
    guard let input = extents(node, 0), input.count == 4, (1..<1 << 15).contains(block) else { return nil }
    let isDepthToSpace = node.opType == "DepthToSpace"
    func scaled(_ extent: Int?, by factor: Int, up: Bool) -> Int? {
      extent.flatMap { up ? product([$0, factor]) : $0 / factor }
    }
    return [
      input[0], scaled(input[1], by: block * block, up: !isDepthToSpace),
      scaled(input[2], by: block, up: isDepthToSpace), scaled(input[3], by: block, up: isDepthToSpace),
    ]
  }

  private func known(_ extents: Extents) -> [Int]? {
    let known = extents.compactMap { $0 }
    return known.count == extents.count && known.allSatisfy { $0 < 1 << 31 } ? known : nil
  }
}

/// Strides, dilations and pads of a node, completed with their defaults; nil where they are invalid.
private struct WindowNumbers {
  let strides: [Int]
  let dilations: [Int]
  let pads: [Int]
  let automatic: String

  init?(_ node: Node, axes: Int) {
    func numbers(_ name: String, _ count: Int, default value: Int, least: Int) -> [Int]? {
      guard let given = node.ints(name), !given.isEmpty else { return [Int](repeating: value, count: count) }
      // 2^31 keeps sums and products of two of them inside Int.
      return given.count == count && given.allSatisfy { $0 >= least && $0 < 1 << 31 } ? given : nil
    }
    guard let strides = numbers("strides", axes, default: 1, least: 1),
      let dilations = numbers("dilations", axes, default: 1, least: 1),
      let pads = numbers("pads", 2 * axes, default: 0, least: -1 << 31)
    else { return nil }
    self.strides = strides
    self.dilations = dilations
    self.pads = pads
    automatic = node.string("auto_pad") ?? "NOTSET"
  }
}
