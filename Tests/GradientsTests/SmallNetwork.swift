import ModelGraph
import Tensors

/// A network of a few nodes with random weights, put together node by node.
struct SmallNetwork {
  private(set) var model: ModelGraph
  private var generator: SeededGenerator

  /// `inputs` of any extents.
  init(inputs: [String] = ["image"], outputs: [String], seed: UInt64) {
    generator = SeededGenerator(seed: seed)
    model = ModelGraph(
      path: "small",
      main: Graph(
        inputs: inputs.map { ValueInfo(name: $0, type: .tensor(.float32, shape: nil)) },
        outputs: outputs.map { ValueInfo(name: $0) }),
      operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
  }

  /// Adds a node named after its first output.
  mutating func add(
    _ opType: String, _ inputs: [String], to outputs: String..., attributes: [Attribute] = []
  ) {
    model.main.nodes.append(
      Node(name: outputs[0], opType: opType, inputs: inputs, outputs: outputs, attributes: attributes))
  }

  /// Adds a weight of random numbers.
  mutating func weight(_ name: String, _ shape: Shape) {
    model.main.constants.append(
      Constant(name: name, generator.tensor(shape, of: Float.self), type: .float32))
  }

  /// Two convolutions with a rectifier between them, the second in two stages, the mean of each map, and a matrix: classes of
  /// images of one channel.
  static func classifier(seed: UInt64) -> ModelGraph {
    var network = SmallNetwork(outputs: ["scores"], seed: seed)
    let pads = [Attribute("pads", .ints([1, 1, 1, 1]))]
    network.weight("w1", [4, 1, 3, 3])
    network.weight("b1", [4])
    network.weight("down", [2, 4, 1, 1])
    network.weight("up", [5, 2, 3, 3])
    network.weight("w3", [5, 3])
    network.weight("b3", [3])
    network.add("Conv", ["image", "w1", "b1"], to: "a", attributes: pads)
    network.add("Relu", ["a"], to: "b")
    network.add("Conv", ["b", "down"], to: "inner")
    network.add("Conv", ["inner", "up"], to: "c", attributes: pads)
    network.add("GlobalAveragePool", ["c"], to: "d")
    network.add("Flatten", ["d"], to: "e")
    network.add("Gemm", ["e", "w3", "b3"], to: "scores")
    return network.model
  }
}
