import ModelGraph
import Testing
import Tensors

@testable import Network

/// Operators whose outputs' shapes depend on elements, bodies, and indices that there are no elements at.
struct DataDependentTests {
  private func network(_ nodes: [Node], inputs: [String], outputs: [String]) throws -> Network {
    var main = Graph(nodes: nodes)
    main.inputs = inputs.map { ValueInfo(name: $0) }
    main.outputs = outputs.map { ValueInfo(name: $0) }
    let model = ModelGraph(
      path: "test", main: main, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
    return try Network(model)
  }

  private func vector(_ elements: [Float]) -> NetworkTensor {
    NetworkTensor(Tensor(shape: [elements.count], elements: elements))
  }

  /// What is computed outside of plans lives as long as outputs lie in it.
  @Test func `outputs that no step makes are kept until they are copied`() throws {
    let network = try network(
      [Node(opType: "NonZero", inputs: ["x"], outputs: ["z"])], inputs: ["x"], outputs: ["z"])
    let session = network.makeSession()
    for round in 1...20 {
      let elements = (0..<(100 * round)).map { Float($0 % 3) }
      let expected = elements.indices.filter { elements[$0] != 0 }
      let z = try session.run(["x": vector(elements)])["z"]
      #expect(z?.integers == expected)
      #expect(z?.shape == [1, expected.count])
    }
  }

  /// What is gathered behind a cut plan has the shape of this run, not of the last one.
  @Test func `shapes that a run brings are planned anew`() throws {
    let network = try network(
      [
        Node(opType: "NonZero", inputs: ["x"], outputs: ["places"]),
        Node(opType: "Gather", inputs: ["x", "places"], outputs: ["z"]),
      ], inputs: ["x"], outputs: ["z"])
    let session = network.makeSession()
    for elements: [Float] in [[0, 1, 2], [3, 0, 0], [4, 5, 6], [0, 0, 0]] {
      let z = try session.run(["x": vector(elements)])["z"]
      #expect(z?.floats?.elements.elementsEqual(elements.filter { $0 != 0 }) == true)
    }
  }

  @Test(arguments: ["Gather", "GatherElements", "GatherND"])
  func `an index that there is no element at is an error that names the node`(_ op: String) throws {
    let network = try network(
      [Node(name: "the node", opType: op, inputs: ["x", "i"], outputs: ["z"])], inputs: ["x", "i"],
      outputs: ["z"])
    let session = network.makeSession()
    func run(_ index: Int) throws -> Float? {
      let indices = NetworkTensor(shape: op == "GatherND" ? [1, 1] : [1], integers: [index])
      return try session.run(["x": vector([1, 2, 3]), "i": indices])["z"]?.floats?.elements.first
    }
    #expect(try run(-1) == 3)
    for index in [3, -4, .max, .min] {
      #expect { try run(index) } throws: {
        "\($0)".contains("the node") && "\($0)".contains("index \(index)")
      }
    }
    #expect(try run(0) == 1)
  }

  /// A body that never ends by itself.
  @Test func `a loop is bounded`() throws {
    var body = Graph(nodes: [
      Node(opType: "Identity", inputs: ["go"], outputs: ["goes_on"]),
      Node(opType: "Identity", inputs: ["state"], outputs: ["next"]),
    ])
    body.inputs = ["i", "go", "state"].map { ValueInfo(name: $0) }
    body.outputs = ["goes_on", "next"].map { ValueInfo(name: $0) }
    let loop = Node(
      opType: "Loop", inputs: ["", "go_first", "go_first"], outputs: ["last"],
      attributes: [Attribute("body", .graph(body))])
    var main = Graph(nodes: [loop, Node(opType: "Identity", inputs: ["go_first"], outputs: ["z"])])
    main.inputs = [ValueInfo(name: "go_first")]
    main.outputs = [ValueInfo(name: "z")]
    let model = ModelGraph(
      path: "test", main: main, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
    let options = NetworkOptions(disabledPasses: [.constants])
    #expect {
      try Network(model, options: options).run([
        "go_first": NetworkTensor(shape: [], integers: [1], type: .bool)
      ])
    } throws: { "\($0)".contains("iterations") }
  }

  /// The branch that is taken decides the shape; both take a value from around them.
  @Test func `branches take values from around them`() throws {
    func branch(_ op: String) -> Attribute.Value {
      var graph = Graph(nodes: [Node(opType: op, inputs: ["y"], outputs: ["r_" + op])])
      graph.outputs = [ValueInfo(name: "r_" + op)]
      return .graph(graph)
    }
    let network = try network(
      [
        Node(opType: "Neg", inputs: ["x"], outputs: ["y"]),
        Node(
          opType: "If", inputs: ["c"], outputs: ["z"],
          attributes: [
            Attribute("then_branch", branch("Abs")),
            Attribute("else_branch", branch("NonZero")),
          ]),
      ], inputs: ["x", "c"], outputs: ["z"])
    let session = network.makeSession()
    func run(_ truth: Int) throws -> NetworkTensor? {
      let condition = NetworkTensor(shape: [], integers: [truth], type: .bool)
      return try session.run(["x": vector([2, 0, 3]), "c": condition])["z"]
    }
    #expect(try run(1)?.floats?.elements.elementsEqual([2, 0, 3]) == true)
    #expect(try run(0)?.integers == [0, 2])
    #expect(try run(1)?.floats?.elements.elementsEqual([2, 0, 3]) == true)
  }

  /// int8 arithmetic wraps around: 100 + 100 is -56.
  @Test(arguments: [("Add", -56), ("Sub", 0), ("Mul", 16)])
  func `integers wrap around in their type`(_ op: String, _ expected: Int) throws {
    let network = try network(
      [Node(opType: op, inputs: ["a", "a"], outputs: ["z"])], inputs: ["a"], outputs: ["z"])
    let a = NetworkTensor(shape: [1], integers: [100], type: .int8)
    #expect(try network.run(["a": a])["z"]?.integers == [expected])
  }
}
