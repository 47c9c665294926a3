import ModelGraph
import TensorFiles
import Tensors

/// A node with every integer that it takes laid open: extents of its inputs, elements of integer tensors, attributes.
struct NodeTemplate: CustomStringConvertible, Sendable {
  /// Something with integers in it that a file gives.
  struct Part: Sendable {
    enum Kind: Sendable {
      /// An input of the graph with these extents.
      case value
      /// A constant input of these integers.
      case integers
      /// A constant input of these extents, without its numbers.
      case weight
      /// A constant input of these floating-point numbers; no integers.
      case floats([Float])
      /// An input that is left out.
      case absent
      /// An attribute of integers.
      case list(String)
      /// An attribute of one integer.
      case number(String)
      /// An attribute of text; no integers.
      case text(String, String)
    }
    let kind: Kind
    var numbers: [Int] = []
  }

  let op: String
  var parts: [Part]

  init(_ op: String, _ parts: Part...) {
    self.op = op
    self.parts = parts
  }

  var description: String { op }

  /// Every place of an integer.
  var slots: [(part: Int, number: Int)] {
    parts.indices.flatMap { part in parts[part].numbers.indices.map { (part, $0) } }
  }

  /// A model of the node, with a layer and operators on shapes behind it.
  var model: ModelGraph {
    var graph = Graph()
    var node = Node(opType: op, inputs: [], outputs: ["y0", "y1", "y2"])
    for (place, part) in parts.enumerated() { add(part, "in\(place)", &node, &graph) }
    graph.nodes = [node]
    graph.constants.append(Self.weight("kernel", [4, 4, 3, 3]))
    let followers: [(String, [String])] = [
      ("Conv", ["y0", "kernel"]), ("ConvTranspose", ["y0", "kernel"]), ("Reshape", ["y0", "y0"]),
      ("ConstantOfShape", ["y0"]), ("Shape", ["y0"]), ("Slice", ["y0", "y0", "y0"]), ("Mul", ["y0", "y0"]),
      ("Concat", ["y0", "y0"]), ("Flatten", ["y0"]), ("Tile", ["y0", "y0"]), ("Size", ["y0"]),
    ]
    for (place, (op, inputs)) in followers.enumerated() {
      graph.nodes.append(Node(opType: op, inputs: inputs, outputs: ["z\(place)"]))
    }
    return ModelGraph(
      path: "extreme.onnx", main: graph, operatorSets: [OperatorSet(version: 13)], formatVersion: 8)
  }

  private func add(_ part: Part, _ name: String, _ node: inout Node, _ graph: inout Graph) {
    switch part.kind {
    case .value:
      let shape = part.numbers.map(ValueInfo.Dimension.known)
      graph.inputs.append(ValueInfo(name: name, type: .tensor(.float32, shape: shape)))
      node.inputs.append(name)
    case .integers:
      graph.constants.append(Constant(name: name, part.numbers))
      node.inputs.append(name)
    case .weight:
      graph.constants.append(Self.weight(name, part.numbers))
      node.inputs.append(name)
    case .floats(let numbers):
      let bytes = numbers.flatMap { number in
        withUnsafeBytes(of: number.bitPattern.littleEndian) { [UInt8]($0) }
      }
      graph.constants.append(
        Constant(name: name, type: .float32, extents: [numbers.count], elements: .bytes(ByteView(bytes))))
      node.inputs.append(name)
    case .absent: node.inputs.append("")
    case .list(let attribute): node.attributes.append(Attribute(attribute, .ints(part.numbers)))
    case .number(let attribute): node.attributes.append(Attribute(attribute, .int(part.numbers[0])))
    case .text(let attribute, let text): node.attributes.append(Attribute(attribute, text: text))
    }
  }

  private static func weight(_ name: String, _ extents: [Int]) -> Constant {
    Constant(name: name, type: .float32, extents: extents, elements: .bytes(ByteView()))
  }
}

extension NodeTemplate.Part {
  static func value(_ extents: Int...) -> Self { Self(kind: .value, numbers: extents) }
  static func integers(_ numbers: Int...) -> Self { Self(kind: .integers, numbers: numbers) }
  static func weight(_ extents: Int...) -> Self { Self(kind: .weight, numbers: extents) }
  static func floats(_ numbers: Float...) -> Self { Self(kind: .floats(numbers)) }
  static let absent = Self(kind: .absent)
  static func list(_ name: String, _ numbers: Int...) -> Self { Self(kind: .list(name), numbers: numbers) }
  static func number(_ name: String, _ number: Int) -> Self { Self(kind: .number(name), numbers: [number]) }
  static func text(_ name: String, _ text: String) -> Self { Self(kind: .text(name, text)) }
}

extension NodeTemplate {
  /// One of every kind that the shape inference knows, some in several versions.
  static let all: [NodeTemplate] = windows + layouts + integerArithmetic + others

  private static let windows: [NodeTemplate] = ["NOTSET", "SAME_UPPER", "VALID"].flatMap { automatic in
    let numbers: [Part] = [
      .list("strides", 2, 1), .list("dilations", 1, 2), .list("pads", 1, 0, 1, 0),
      .text("auto_pad", automatic),
    ]
    let pools = ["MaxPool", "AveragePool", "LpPool"].map { op in
      var pool = NodeTemplate(op, .value(1, 4, 9, 9), .list("kernel_shape", 2, 3), .number("ceil_mode", 1))
      pool.parts += numbers
      return pool
    }
    var convolution = NodeTemplate(
      "Conv", .value(1, 4, 9, 9), .weight(4, 4, 3, 3), .list("kernel_shape", 3, 3), .number("group", 1))
    var transposed = NodeTemplate(
      "ConvTranspose", .value(1, 4, 9, 9), .weight(4, 2, 3, 3), .number("group", 2),
      .list("output_padding", 0, 1))
    var shaped = NodeTemplate(
      "ConvTranspose", .value(1, 4, 9, 9), .weight(4, 2, 3, 3), .list("output_shape", 20, 20))
    convolution.parts += numbers
    transposed.parts += numbers
    shaped.parts += numbers
    return pools + [convolution, transposed, shaped]
  }

  private static let layouts: [NodeTemplate] = [
    NodeTemplate("Reshape", .value(2, 3, 4), .integers(0, -1, 2), .number("allowzero", 0)),
    NodeTemplate("Reshape", .value(2, 3, 4), .list("shape", 4, -1)),
    NodeTemplate("Flatten", .value(2, 3, 4), .number("axis", 1)),
    NodeTemplate("Transpose", .value(2, 3, 4), .list("perm", 2, 0, 1)),
    NodeTemplate("Concat", .value(2, 3), .value(2, 4), .number("axis", 1)),
    NodeTemplate(
      "Slice", .value(2, 30, 4), .integers(1, 3), .integers(9, 0), .integers(1, 2), .integers(2, -1)),
    NodeTemplate("Slice", .value(2, 30), .list("starts", 1), .list("ends", -1), .list("axes", 1)),
    NodeTemplate("Split", .value(2, 30), .integers(10, 20), .number("axis", 1)),
    NodeTemplate("Split", .value(2, 30), .list("split", 10, 20), .number("axis", 1)),
    NodeTemplate("Split", .value(2, 31), .number("axis", 1)),
    NodeTemplate("Squeeze", .value(1, 3, 1), .integers(0, 2)), NodeTemplate("Squeeze", .value(1, 3, 1)),
    NodeTemplate("Unsqueeze", .value(3, 4), .integers(0, 3)),
    NodeTemplate("Unsqueeze", .value(3, 4), .list("axes", 0, -1)),
    NodeTemplate("Gather", .value(3, 4), .value(2), .number("axis", 1)),
    NodeTemplate("Expand", .value(3, 1), .integers(2, 1, 4)),
    NodeTemplate("Tile", .value(3, 4), .integers(2, 5)),
    NodeTemplate("Pad", .value(1, 4, 8, 8), .integers(0, 0, 1, 1, 0, 0, 1, 1)),
    NodeTemplate("Pad", .value(1, 4, 8, 8), .integers(1, 1), .value(), .integers(2)),
    NodeTemplate("Pad", .value(1, 4, 8, 8), .list("pads", 0, 0, 1, 1, 0, 0, 1, 1)),
    NodeTemplate("DepthToSpace", .value(1, 16, 4, 4), .number("blocksize", 2)),
    NodeTemplate("SpaceToDepth", .value(1, 4, 8, 8), .number("blocksize", 2)),
    NodeTemplate("Resize", .value(1, 4, 8, 8), .value(0), .value(0), .integers(1, 4, 16, 16)),
    NodeTemplate(
      "Resize", .value(1, 4, 8, 8), .value(0), .value(0), .integers(16, 16), .list("axes", 2, 3)),
    NodeTemplate(
      "Resize", .value(1, 4, 8, 8), .absent, .absent, .integers(16, 12), .list("axes", 2, 3),
      .text("keep_aspect_ratio_policy", "not_larger")),
    NodeTemplate("Resize", .value(1, 4, 8, 8), .absent, .floats(2, 1.5), .list("axes", 2, 3)),
    NodeTemplate("Upsample", .value(1, 4, 8, 8), .weight(4)),
    NodeTemplate("GlobalAveragePool", .value(1, 4, 8, 8)),
  ]

  private static let integerArithmetic: [NodeTemplate] =
    ["Add", "Sub", "Mul", "Div", "Max", "Min", "Equal", "Concat"].map {
      NodeTemplate($0, .integers(6, -1), .integers(2, 3), .number("axis", 0))
    } + [
      NodeTemplate("Slice", .integers(5, 6, 7), .integers(0), .integers(2), .integers(0), .integers(1)),
      NodeTemplate("Slice", .integers(5, 6, 7), .integers(2), .integers(-9), .integers(0), .integers(-1)),
      NodeTemplate("Slice", .integers(), .integers(0), .integers(9), .integers(0), .integers(-1)),
      NodeTemplate("Gather", .integers(5, 6, 7), .integers(-1, 1), .number("axis", 0)),
      NodeTemplate("Where", .integers(1, 0), .integers(5, 6), .integers(7, 8)),
      NodeTemplate("Range", .integers(0), .integers(9), .integers(2)),
      NodeTemplate("ConstantOfShape", .integers(3, 4)),
      NodeTemplate("Constant", .list("value_ints", 3, 4)), NodeTemplate("Constant", .number("value_int", 3)),
      NodeTemplate("Shape", .value(3, 4, 5), .number("start", 1), .number("end", -1)),
      NodeTemplate("Size", .value(3, 4, 5)), NodeTemplate("Unsqueeze", .integers(3), .integers(0)),
      NodeTemplate("Cast", .integers(3, 4), .number("to", 7)),
    ]

  private static let others: [NodeTemplate] = [
    NodeTemplate("MatMul", .value(2, 3, 4), .weight(4, 5)),
    NodeTemplate("MatMul", .weight(5, 4), .value(4, 3)),
    NodeTemplate("Gemm", .value(3, 4), .weight(5, 4), .number("transB", 1), .number("transA", 0)),
    NodeTemplate("Relu", .value(3, 4)), NodeTemplate("Where", .value(3, 4), .value(4), .value(1)),
    NodeTemplate("ReduceMean", .value(3, 4, 5), .list("axes", 1, -1), .number("keepdims", 0)),
    NodeTemplate("ReduceSum", .value(3, 4, 5), .integers(1, -1), .number("keepdims", 1)),
    NodeTemplate("ArgMax", .value(3, 4, 5), .number("axis", 1), .number("keepdims", 0)),
  ]
}
