import ModelGraph
import Forms

/// Stride, dilation and padding of a convolution node, and what each stage of a factored one gets of them.
struct ConvolutionAttributes {
  let node: Node
  let axes: Int

  /// The attributes of one stage: those of the dense layer along the axes that the stage carries.
  func attributes(of stage: StageShape) -> [Attribute] {
    var result = [Attribute("kernel_shape", .ints(stage.kernel))]
    if stage.groups != 1 { result.append(Attribute("group", .int(stage.groups))) }
    guard stage.carriesAxis.contains(true) else { return result }
    for (name, neutral) in [("strides", 1), ("dilations", 1), ("pads", 0), ("output_padding", 0)] {
      guard let values = node.ints(name), !values.isEmpty else { continue }
      // Pads are all begins, then all ends.
      let carried = values.enumerated().map { stage.carriesAxis[$0 % axes] ? $1 : neutral }
      result.append(Attribute(name, .ints(carried)))
    }
    return result + node.attributes.filter { $0.name == "auto_pad" }
  }
}
