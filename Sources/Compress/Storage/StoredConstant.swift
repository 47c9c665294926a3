import ModelGraph
import Tensors

/// A weight as it goes into a model: its constants, and the node that makes of them what other nodes take.
struct StoredConstant {
  /// What the file holds.
  let constants: [Constant]
  /// The node that widens them; nil where nodes take the constant itself.
  let node: Node?

  /// A weight that nodes take as `name`, rounded to `format`, or to `type` where that is the model's own.
  ///
  /// **Shapes** `axis` is that of the output channels.
  init(
    _ name: String, _ weight: Tensor<Float>, type: ElementType, format: WeightFormat, axis: Int,
    _ names: inout UniqueNames
  ) {
    switch format {
    case .original:
      constants = [Constant(name: name, weight, type: type)]
      node = nil
    case .float16:
      let half = names.unique("\(name).float16")
      constants = [Constant(name: half, weight, type: .float16)]
      node = Node(
        name: names.unique("\(name).cast"), opType: "Cast", inputs: [half], outputs: [name],
        attributes: [Attribute("to", .int(DataType.float32.number))])
    case .int8:
      let (numbers, scale) = (names.unique("\(name).int8"), names.unique("\(name).scale"))
      let scales = weight.channelScales(axis: axis)
      constants = [
        Constant(
          name: numbers, weight.quantized(axis: axis).map(Int.init), type: .int8,
          extents: weight.shape.extents),
        Constant(name: scale, Tensor(shape: [scales.count], elements: scales), type: .float32),
      ]
      node = Node(
        name: names.unique("\(name).dequantize"), opType: "DequantizeLinear", inputs: [numbers, scale],
        outputs: [name], attributes: [Attribute("axis", .int(axis))])
    }
  }
}

extension WeightFormat {
  /// The format in reports; nil for that of the model.
  var name: String? {
    switch self {
    case .original: nil
    case .float16: "float16"
    case .int8: "int8"
    }
  }
}
