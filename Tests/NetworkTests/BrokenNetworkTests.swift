import ModelGraph
import Testing
import Tensors

@testable import Network

/// Networks that trapped when a fuzzer (scripts/fuzz/parsers.py) made them: they are refused, or run as they say.
struct BrokenNetworkTests {
  private func network(
    _ nodes: [Node], inputs: [String: [Int]] = ["x": [2, 3]], constants: [Constant] = [],
    passes: Set<NetworkPass> = []
  ) throws -> Network {
    var main = Graph(nodes: nodes)
    for constant in constants { main.constants.append(constant) }
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

  /// Zeros are put between the taps: such kernels ended the process where memory did.
  @Test(arguments: [[1 << 31 - 1, 2], [1 << 14, 1 << 14]])
  func `kernels of huge dilations are refused`(_ dilations: [Int]) throws {
    let transposed = Node(
      opType: "ConvTranspose", inputs: ["x", "w"], outputs: ["z"],
      attributes: [Attribute("dilations", .ints(dilations)), Attribute("kernel_shape", .ints([3, 3]))])
    let shapes = ["x": [1, 3, 6, 5]]
    let weights = Constant(name: "w", Tensor(shape: [3, 4, 3, 3], repeating: 1), type: .float32)
    expectRefusal("stretch") { _ = try network([transposed], inputs: shapes, constants: [weights]) }
    let all = shapes.merging(["w": [3, 4, 3, 3]]) { $1 }
    expectRefusal("stretch") { _ = try run(try network([transposed], inputs: all), all) }
  }

  /// A slice of no rows of matrices that have some: the third began behind the end of what there is.
  @Test func `products of no rows are none`() throws {
    let slice = Node(opType: "Slice", inputs: ["y", "from", "to", "axes"], outputs: ["none"])
    let product = Node(opType: "MatMul", inputs: ["x", "none"], outputs: ["z"])
    let constants = [("from", 2), ("to", 2), ("axes", 2)].map { Constant(name: $0.0, [$0.1]) }
    let shapes = ["x": [12, 16], "y": [3, 16, 5]]
    let none = try network([slice, product], inputs: shapes, constants: constants)
    #expect(try run(none, shapes)?.shape == [3, 12, 0])
  }

  /// No elements, and extents whose product is no number.
  @Test func `a shape that cannot be is refused though it is empty`() throws {
    let reshape = Node(opType: "Reshape", inputs: ["x", "s"], outputs: ["z"])
    let shape = Constant(name: "s", [0, 8, 1 << 62, 2])
    let shapes = ["x": [0, 5]]
    expectRefusal("cannot become") {
      _ = try run(try network([reshape], inputs: shapes, constants: [shape]), shapes)
    }
  }

  /// Nobody could say what such a value is: the input, or what is made of it.
  @Test func `a node that makes an input is refused`() throws {
    #expect { _ = try network([Node(opType: "Relu", inputs: ["x"], outputs: ["x"])]) } throws: {
      "\($0)".contains("'x' is made twice")
    }
  }

  /// A tensor of no elements has no shape with some.
  @Test func `a shift of no elements is refused`() throws {
    let slice = Node(opType: "Slice", inputs: ["s", "one", "one", "zero"], outputs: ["shift"])
    let norm = Node(opType: "InstanceNormalization", inputs: ["x", "s", "shift"], outputs: ["z"])
    let constants = [("one", 1), ("zero", 0)].map { name, value in
      Node(
        opType: "Constant", inputs: [], outputs: [name], attributes: [Attribute("value_ints", .ints([value]))]
      )
    }
    let shapes = ["x": [2, 3, 9], "s": [3]]
    expectRefusal("a shift of [0]") {
      _ = try run(try network(constants + [slice, norm], inputs: shapes), shapes)
    }
  }

  /// Both are one value, which the run in front tells for the weights' sake: with a kernel as large as itself the sum of its
  /// squares. It was read where another plan's memory lay.
  @Test func `an input that is its own weights is read where it lies`() throws {
    let transposed = Node(
      opType: "ConvTranspose", inputs: ["x", "x"], outputs: ["z"],
      attributes: [Attribute("output_shape", .ints([1, 1]))])
    let image = Tensor<Float>(shape: [1, 1, 3, 3], elements: [1, 2, 3, 4, 5, 4, 3, 2, 1])
    let network = try network([transposed], inputs: ["x": [1, 1, 3, 3]])
    let z = try network.run(["x": NetworkTensor(image)])["z"]?.floats
    // The middle of the full convolution of the image with itself: 2 (1² + 2² + 3² + 4²) + 5².
    #expect(z?.elements == [85])
  }

  @Test func `more groups than there are numbers are refused`() throws {
    let transposed = Node(
      opType: "ConvTranspose", inputs: ["x", "x"], outputs: ["z"],
      attributes: [Attribute("group", .int(.max))])
    let shapes = ["x": [2, 5, 4, 3]]
    expectRefusal("groups") { _ = try run(try network([transposed], inputs: shapes), shapes) }
  }

  /// The repeats and the axes that they repeat have more places than can be counted, were there any.
  @Test func `nothing, repeated very often, is nothing`() throws {
    let repeats = Node(
      opType: "Constant", inputs: [], outputs: ["r"],
      attributes: [Attribute("value_ints", .ints([0, 2, (1 << 24) + 1, 1 << 40]))])
    let tile = Node(opType: "Tile", inputs: ["x", "r"], outputs: ["z"])
    let shapes = ["x": [1, 6, 5, 0]]
    #expect(
      try run(try network([repeats, tile], inputs: shapes), shapes)?.shape == [0, 12, 5 * ((1 << 24) + 1), 0])
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
