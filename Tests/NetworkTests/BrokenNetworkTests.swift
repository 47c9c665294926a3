import ModelGraph
import Testing
import Tensors

@testable import Network

/// Networks that trapped when a fuzzer (scripts/fuzz_parsers.py) made them: they are refused, or run as they say.
struct BrokenNetworkTests {
  private func network(
    _ nodes: [Node], inputs: [String: [Int]] = ["x": [2, 3]], passes: Set<NetworkPass> = []
  ) throws -> Network {
    var main = Graph(nodes: nodes)
    main.inputs = inputs.sorted { $0.key < $1.key }.map { name, extents in
      ValueInfo(name: name, type: .tensor(.float32, shape: extents.map { .known($0) }))
    }
    main.outputs = [ValueInfo(name: "z")]
    let model = ModelGraph(
      path: "test", main: main, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
    return try Network(model, options: NetworkOptions(disabledPasses: passes))
  }

  private func run(_ network: Network, _ inputs: [String: [Int]]) throws -> NetworkTensor? {
    try network.run(inputs.mapValues { NetworkTensor(Tensor<Float>(shape: Shape($0))) })["z"]
  }

  private func expectRefusal(_ naming: String, _ body: () throws -> Void) {
    #expect(throws: NetworkError.self, performing: body)
    #expect { try body() } throws: { "\($0)".contains(naming) }
  }

  @Test func `a function without an input is refused`() throws {
    expectRefusal("(Relu)") {
      _ = try run(try network([Node(opType: "Relu", inputs: [], outputs: ["z"])]), ["x": [2, 3]])
    }
  }

  @Test func `a node without outputs is refused`() throws {
    let nodes = [
      Node(opType: "Relu", inputs: ["x"], outputs: []), Node(opType: "Relu", inputs: ["x"], outputs: ["z"]),
    ]
    expectRefusal("no outputs") { _ = try network(nodes, passes: [.constants]) }
  }

  @Test(arguments: [0, 1]) func `a loop without a limit and a condition is refused`(_ count: Int) throws {
    var body = Graph(nodes: [Node(opType: "Identity", inputs: ["c"], outputs: ["goesOn"])])
    body.inputs = [ValueInfo(name: "i"), ValueInfo(name: "c")]
    body.outputs = [ValueInfo(name: "goesOn"), ValueInfo(name: "c")]
    let loop = Node(
      opType: "Loop", inputs: [String](repeating: "", count: count), outputs: ["z"],
      attributes: [Attribute("body", .graph(body))])
    expectRefusal("two first inputs") { _ = try run(try network([loop]), ["x": [2, 3]]) }
  }

  /// Each place between two inputs is a convolution of its own: 131,072 of them took minutes and 1.4 GB.
  @Test(arguments: [[2, 65536], [1 << 30, 1 << 30]]) func `huge strides are refused`(_ strides: [Int]) throws
  {
    let transposed = Node(
      opType: "ConvTranspose", inputs: ["x", "w"], outputs: ["z"],
      attributes: [Attribute("strides", .ints(strides)), Attribute("kernel_shape", .ints([3, 3]))])
    expectRefusal("strides") {
      _ = try network([transposed], inputs: ["x": [1, 3, 6, 5], "w": [3, 4, 3, 3]])
    }
  }

  /// Three shared axes of which one has no places, the other one: the product has none either.
  @Test func `axes of no places are broadcast to`() throws {
    let einsum = Node(
      opType: "Einsum", inputs: ["x", "y"], outputs: ["z"],
      attributes: [Attribute("equation", text: "ij,ij->ij")])
    let shapes = ["x": [1, 3], "y": [0, 3]]
    #expect(try run(try network([einsum], inputs: shapes), shapes)?.shape == [0, 3])
  }

  @Test(arguments: [[0, 3, 4, 5], [2, 0, 4, 5]]) func `windows over nothing give nothing`(_ shape: [Int])
    throws
  {
    for op in ["MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"] {
      let attributes = op.hasPrefix("Global") ? [] : [Attribute("kernel_shape", .ints([2, 2]))]
      let pool = Node(opType: op, inputs: ["x"], outputs: ["z"], attributes: attributes)
      #expect(try run(try network([pool], inputs: ["x": shape]), ["x": shape])?.shape.count == 0)
    }
  }
}
