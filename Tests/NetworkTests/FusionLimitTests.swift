import ModelGraph
import Tensors
import TestSupport
import Testing

@testable import Network

/// What a step must leave to the nodes behind it, since taking it up would change the result: each against the same network
/// without any pass.
struct FusionLimitTests {
  /// One step behind others, `x` being the network's input of four channels and `r` another one of the same shape.
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let nodes: [Node]

    init(_ description: String, _ nodes: Node...) {
      (testDescription, self.nodes) = (description, nodes)
    }
  }

  private static func node(_ op: String, _ inputs: [String], _ output: String, _ attributes: Attribute...)
    -> Node
  {
    Node(name: output, opType: op, inputs: inputs, outputs: [output], attributes: attributes)
  }

  private static let pointwise = node("Conv", ["x", "w", "b"], "a")
  private static let pool = [
    Attribute("kernel_shape", .ints([2, 2])), Attribute("strides", .ints([2, 2])),
  ]
  private static func behind(_ op: String, _ inputs: [String], _ attributes: Attribute...) -> Node {
    Node(name: op, opType: op, inputs: inputs, outputs: ["y"], attributes: attributes)
  }

  private static let cases = [
    Case("a second activation", pointwise, node("Relu", ["a"], "c"), behind("Sigmoid", ["c"])),
    Case(
      "a second activation that undoes the first", pointwise, node("Tanh", ["a"], "c"), behind("Relu", ["c"])),
    Case(
      "a scale behind an activation", pointwise, node("Relu", ["a"], "c"), behind("Mul", ["c", "negative"])),
    Case(
      "a shift behind an activation", pointwise, node("Relu", ["a"], "c"), behind("Add", ["c", "negative"])),
    Case(
      "a normalization behind an activation", pointwise, node("Relu", ["a"], "c"),
      behind("BatchNormalization", ["c", "positive", "b", "b", "positive"])),
    Case("a sum behind an activation", pointwise, node("Relu", ["a"], "c"), behind("Add", ["c", "r"])),
    Case("a scale behind a sum", pointwise, node("Add", ["a", "r"], "c"), behind("Mul", ["c", "negative"])),
    Case(
      "a normalization behind a sum", pointwise, node("Add", ["a", "r"], "c"),
      behind("BatchNormalization", ["c", "positive", "b", "b", "positive"])),
    Case("slopes behind a sum", pointwise, node("Add", ["a", "r"], "c"), behind("PRelu", ["c", "slopes"])),
    Case("slopes that are the convolution", pointwise, behind("PRelu", ["x", "a"])),
    Case("a second sum", pointwise, node("Add", ["a", "r"], "c"), behind("Add", ["c", "x"])),
    Case("a convolution added to itself", pointwise, behind("Add", ["a", "a"])),
    Case("a constant minus the convolution", pointwise, behind("Sub", ["negative", "a"])),
    Case("a constant over the convolution", pointwise, behind("Div", ["negative", "a"])),
    Case("another value minus the convolution", pointwise, behind("Sub", ["r", "a"])),
    Case(
      "a convolution behind a sum", pointwise, node("Add", ["a", "r"], "c"),
      behind("Conv", ["c", "w2", "b"])),
    Case("a value that two read", pointwise, node("Relu", ["a"], "c"), behind("Sub", ["c", "a"])),
    Case(
      "the largest of what falls", node("LeakyRelu", ["x"], "a", Attribute("alpha", .float(-0.7))),
      Node(name: "pool", opType: "MaxPool", inputs: ["a"], outputs: ["y"], attributes: pool)),
    Case(
      "the largest of what falls first", node("HardSwish", ["x"], "a"),
      Node(name: "pool", opType: "MaxPool", inputs: ["a"], outputs: ["y"], attributes: pool)),
    Case(
      "the mean of what rises", node("Relu", ["x"], "a"),
      Node(name: "pool", opType: "AveragePool", inputs: ["a"], outputs: ["y"], attributes: pool)),
    Case("a product minus another value", node("Mul", ["x", "r"], "a"), behind("Sub", ["a", "x"])),
    Case("another value minus a product", node("Mul", ["x", "r"], "a"), behind("Sub", ["x", "a"])),
  ]

  private static func model(_ nodes: [Node]) -> ModelGraph {
    var random = SeededGenerator(seed: 91)
    func constant(_ name: String, _ extents: [Int], _ range: ClosedRange<Float>) -> Constant {
      let elements = (0..<extents.reduce(1, *)).map { _ in Float.random(in: range, using: &random) }
      return Constant(name: name, Tensor(shape: Shape(extents), elements: elements), type: .float32)
    }
    let shape = ValueInfo.ValueType.tensor(.float32, shape: [.open, .known(4), .open, .open])
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: shape), ValueInfo(name: "r", type: shape)],
      outputs: [ValueInfo(name: "y")])
    graph.nodes = nodes
    graph.constants = ConstantTable()
    for constant in [
      constant("w", [4, 4, 1, 1], -1...1), constant("w2", [4, 4, 1, 1], -1...1), constant("b", [4], -1...1),
      constant("negative", [4, 1, 1], -2 ... -1), constant("slopes", [4, 1, 1], 0.5...2),
      constant("positive", [4], 0.5...2),
    ] { graph.constants.append(constant) }
    return ModelGraph(path: "limits", main: graph, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
  }

  @Test(arguments: cases)
  func whatWouldChangeIsLeft(_ example: Case) throws {
    var random = SeededGenerator(seed: 92)
    func image() -> NetworkTensor {
      // As far below 0 as above, and beyond where a hard swish turns.
      let elements = (0..<4 * 9 * 20).map { _ in Float.random(in: -4...4, using: &random) }
      return NetworkTensor(Tensor(shape: [1, 4, 9, 20], elements: elements))
    }
    let inputs = ["x": image(), "r": image()]
    let plain = NetworkOptions(winograd: .off, disabledPasses: Set(NetworkPass.allCases))
    let reference = try Network(Self.model(example.nodes), options: plain).run(inputs)["y"]
    let output = try Network(Self.model(example.nodes)).run(inputs)["y"]
    let (p, q) = (try #require(reference?.floats?.elements), try #require(output?.floats?.elements))
    #expect(reference?.shape == output?.shape)
    // Sums of four products and a bias: a few roundings of 2^-24, of elements that may be a quotient's.
    #expect(zip(p, q).allSatisfy { abs($0 - $1) <= 1e-5 * max(abs($0), 1) })
  }
}
