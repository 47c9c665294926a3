import ModelGraph
import Tensors
import TestSupport
import Testing

@testable import Network

/// What keeps maps out of memory: pools in front of activations, concatenations that do not wait for their first part, bands.
@Suite struct MapMemoryTests {
  /// A U with `depth` layers in its lower half, 4 `channels` wide, and a skip of `channels` around it: the value before the
  /// activation.
  private static func model(channels: Int, depth: Int) -> ModelGraph {
    var random = SeededGenerator(seed: 81)
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: .tensor(.float32, shape: [.open, .known(3), .open, .open]))],
      outputs: [ValueInfo(name: "y")])
    func weights(_ name: String, _ extents: Int...) -> String {
      // Sums of which a tanh keeps the size.
      let elements = (0..<extents.reduce(1, *)).map { _ in Float.random(in: -0.05...0.05, using: &random) }
      graph.constants.append(
        Constant(name: name, Tensor(shape: Shape(extents), elements: elements), type: .float32))
      return name
    }
    func node(_ op: String, _ inputs: [String], _ output: String, _ attributes: [Attribute] = []) {
      graph.nodes.append(
        Node(name: output, opType: op, inputs: inputs, outputs: [output], attributes: attributes))
    }
    let pads = Attribute("pads", .ints([1, 1, 1, 1]))
    node("Conv", ["x", weights("w", channels, 3, 3, 3)], "skip", [pads])
    node("Relu", ["skip"], "r")
    node(
      "MaxPool", ["r"], "p",
      [Attribute("kernel_shape", .ints([2, 2])), Attribute("strides", .ints([2, 2]))])
    var (last, width) = ("p", channels)
    for layer in 0..<depth {
      let next = layer == depth - 1 ? channels : 4 * channels
      node("Conv", [last, weights("w\(layer)", next, width, 3, 3)], "c\(layer)", [pads])
      width = next
      node("Tanh", ["c\(layer)"], "t\(layer)")
      last = "t\(layer)"
    }
    graph.constants.append(
      Constant(name: "twice", Tensor<Float>(shape: [4], elements: [1, 1, 2, 2]), type: .float32))
    node("Resize", [last, "", "twice"], "up", [Attribute("mode", text: "linear")])
    node("Concat", ["up", "skip"], "both", [Attribute("axis", .int(1))])
    node("Conv", ["both", weights("v", 4, 2 * channels, 1, 1)], "y")
    return ModelGraph(path: "u", main: graph, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
  }

  private static func plan(_ side: Int, _ disabled: Set<NetworkPass>, depth: Int = 8) throws -> SegmentPlan {
    let network = try Network(
      model(channels: 24, depth: depth), options: NetworkOptions(disabledPasses: disabled))
    return try network.plan(
      for: ["x": InputShape(type: .float32, extents: [1, 3, side, side])], outputs: ["y"]
    ).plan
  }

  @Test func poolsComeBeforeWhatRises() throws {
    func places(_ disabled: Set<NetworkPass>) throws -> (pool: Int?, activation: Int?) {
      let operations = try Self.plan(32, disabled).steps.map(\.step.operation)
      return (operations.firstIndex(of: "MaxPool"), operations.firstIndex(of: "Relu"))
    }
    let (first, plain) = (try places([]), try places([.fusion]))
    #expect(try #require(first.pool) < #require(first.activation))
    #expect(try #require(plain.pool) > #require(plain.activation))
  }

  /// 192 x 192 pixels of 48 channels, 7 MB, would wait for the skip's half of them all through the lower part, which takes as
  /// much.
  @Test func largeConcatenationsDoNotWaitForTheirFirstPart() throws {
    func copies(_ side: Int, _ depth: Int) throws -> Int {
      try Self.plan(side, [], depth: depth).steps.count { $0.step.operation == "Concat" }
    }
    #expect(try copies(192, 8) == 1)
    #expect(try copies(32, 8) == 0, "a small one")
    #expect(try copies(192, 1) == 0, "one that is soon whole")
  }

  @Test(arguments: [32, 192]) func nothingOfItChangesTheResult(side: Int) throws {
    var random = SeededGenerator(seed: 82)
    let input = ["x": NetworkTensor(random.tensor([1, 3, side, side]))]
    let plain = NetworkOptions(winograd: .off, disabledPasses: Set(NetworkPass.allCases))
    let model = Self.model(channels: 24, depth: 8)
    let reference = try #require(try Network(model, options: plain).run(input)["y"]?.floats).elements
    let largest = reference.reduce(Float(0)) { max($0, abs($1)) }
    for threads in [1, 2] {
      let outputs = try Network(model, options: NetworkOptions(threads: threads)).run(input)
      let elements = try #require(outputs["y"]?.floats).elements
      // Sums of 864 products through nine layers, tanh between them: some hundred roundings of 2^-24.
      #expect(zip(elements, reference).allSatisfy { abs($0 - $1) <= 2e-5 * largest })
    }
  }
}
