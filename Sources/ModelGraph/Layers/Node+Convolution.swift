internal import Tensors

extension Node {
  private static let convolutionAttributes: Set<String> = [
    "auto_pad", "dilations", "group", "kernel_shape", "pads", "strides", "output_padding",
  ]

  /// Why a convolution with this kernel cannot be split into stages; nil where it can.
  func obstacleToStages(kernel: Shape) -> String? {
    let axes = kernel.order - 2
    guard axes >= 1 else { return "its weight has no spatial axes" }
    if let unknown = attributes.first(where: { !Self.convolutionAttributes.contains($0.name) }) {
      return "its attribute '\(unknown.name)' cannot be carried over"
    }
    if let given = attribute("kernel_shape"), given != .ints(Array(kernel.extents.dropFirst(2))) {
      return "its attribute kernel_shape contradicts its weight"
    }
    if let group = attribute("group") {
      guard case .int = group else { return "its attribute group is invalid" }
    }
    for (name, count, least) in [
      ("strides", axes, 1), ("dilations", axes, 1), ("pads", 2 * axes, 0), ("output_padding", axes, 0),
    ] {
      guard let given = attribute(name) else { continue }
      guard case .ints(let values) = given else { return "its attribute \(name) is invalid" }
      if values.isEmpty && name != "strides" { continue }
      guard values.count == count, values.allSatisfy({ $0 >= least && $0 < 1 << 31 }) else {
        return "its attribute \(name) is invalid"
      }
    }
    let padding = attribute("auto_pad") == nil ? "NOTSET" : string("auto_pad")
    guard ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER", ""].contains(padding) else {
      return "its attribute auto_pad is invalid"
    }
    return nil
  }
}
