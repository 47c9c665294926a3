import Forms
import Tensors

/// Stride, dilation and padding of a convolution node, and what each stage of a factored one gets of them.
struct ConvolutionAttributes {
  let node: NodeProto
  let axes: Int

  private static let known: Set<String> = [
    "auto_pad", "dilations", "group", "kernel_shape", "pads", "strides", "output_padding",
  ]

  /// Why a convolution cannot be split into stages; nil where it can.
  static func obstacle(
    _ node: NodeProto, kernel: Shape
  ) -> String? {
    let axes = kernel.order - 2
    guard axes >= 1 else { return "its weight has no spatial axes" }
    if let unknown = node.attribute.first(where: { !known.contains($0.name) }) {
      return "its attribute '\(unknown.name)' cannot be carried over"
    }
    let spatial = Array(kernel.extents.dropFirst(2))
    if let given = node.ints("kernel_shape"), given != spatial {
      return "its attribute kernel_shape contradicts its weight"
    }
    for (name, count, least) in [
      ("strides", axes, 1), ("dilations", axes, 1), ("pads", 2 * axes, 0), ("output_padding", axes, 0),
    ] {
      guard let values = node.ints(name), !(values.isEmpty && name != "strides") else { continue }
      guard values.count == count, values.allSatisfy({ $0 >= least && $0 < 1 << 31 }) else {
        return "its attribute \(name) is invalid"
      }
    }
    guard ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER", ""].contains(node.string("auto_pad") ?? "NOTSET")
    else {
      return "its attribute auto_pad is invalid"
    }
    return nil
  }

  /// The attributes of one stage: those of the dense layer along the axes that the stage carries.
  func attributes(of stage: StageShape) -> [AttributeProto] {
    var result = [AttributeProto.ints("kernel_shape", stage.kernel)]
    if stage.groups != 1 { result.append(.int("group", stage.groups)) }
    guard stage.carriesAxis.contains(true) else { return result }
    for (name, neutral) in [("strides", 1), ("dilations", 1), ("pads", 0), ("output_padding", 0)] {
      guard let values = node.ints(name), !values.isEmpty else { continue }
      // Pads are all begins, then all ends.
      let carried = values.enumerated().map { stage.carriesAxis[$0 % axes] ? $1 : neutral }
      result.append(.ints(name, carried))
    }
    if let automatic = node.attribute("auto_pad") { result.append(automatic) }
    return result
  }
}
