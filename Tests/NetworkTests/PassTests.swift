import ModelGraph
import Tensors
import Testing

@testable import Network

/// Passes change how a network runs, not what it computes.
struct PassTests {
  /// A network in which every pass finds something: a chain of a pointwise and a depthwise convolution, an activation out of
  /// two nodes, an addition, scales and shifts, a concatenation of three, and a fully connected end.
  private static func model(seed: UInt64 = 7) -> ModelGraph {
    var random = SeededGenerator(seed: seed)
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: .tensor(.float32, shape: [.open, .known(5), .open, .open]))],
      outputs: [ValueInfo(name: "y"), ValueInfo(name: "sum")])
    func constant(_ name: String, _ extents: Int...) -> String {
      let elements = (0..<extents.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &random) }
      graph.constants.append(
        Constant(name: name, Tensor(shape: Shape(extents), elements: elements), type: .float32))
      return name
    }
    func node(_ op: String, _ inputs: [String], _ output: String, _ attributes: [Attribute] = []) {
      graph.nodes.append(
        Node(name: output, opType: op, inputs: inputs, outputs: [output], attributes: attributes))
    }
    let pads = Attribute("pads", .ints([1, 1, 1, 1]))
    node("Conv", ["x", constant("w1", 12, 5, 1, 1), constant("b1", 12)], "a")
    node("Relu", ["a"], "b")
    node("Conv", ["b", constant("w2", 12, 1, 3, 3)], "c", [pads, Attribute("group", .int(12))])
    node("Mul", ["c", constant("scale", 1, 12, 1, 1)], "d")
    node("Add", ["d", constant("shift", 12, 1, 1)], "e")
    node("Sigmoid", ["e"], "gate")
    node("Mul", ["e", "gate"], "f")
    node("Conv", ["f", constant("w3", 12, 12, 3, 3), constant("b3", 12)], "g", [pads])
    node("Add", ["g", "b"], "sum")
    node("LeakyRelu", ["sum"], "h", [Attribute("alpha", .float(0.1))])
    node("Mul", ["h", constant("gain", 1)], "h2")
    node("Add", ["h2", constant("offset", 12, 1, 1)], "h3")
    node("Concat", ["h3", "f", "x"], "i", [Attribute("axis", .int(1))])
    node(
      "MaxPool", ["i"], "j",
      [Attribute("kernel_shape", .ints([2, 2])), Attribute("strides", .ints([2, 2]))])
    node("GlobalAveragePool", ["j"], "k")
    node("Flatten", ["k"], "l")
    node("Gemm", ["l", constant("w4", 29, 7), constant("b4", 7)], "m")
    node("Relu", ["m"], "y")
    return ModelGraph(path: "passes", main: graph, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
  }

  private static func image(_ extents: [Int]) -> NetworkTensor {
    var random = SeededGenerator(seed: 11)
    return NetworkTensor(
      Tensor(
        shape: Shape(extents),
        elements: (0..<extents.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &random) }))
  }

  /// The largest difference of two sets of outputs, beside the largest output.
  private static func difference(_ a: [String: NetworkTensor], _ b: [String: NetworkTensor]) throws -> Float {
    var worst: Float = 0
    #expect(a.keys == b.keys)
    for (name, tensor) in a {
      let (p, q) = (try #require(tensor.floats?.elements), try #require(b[name]?.floats?.elements))
      #expect(tensor.shape == b[name]?.shape)
      let largest = p.reduce(Float(1e-20)) { max($0, abs($1)) }
      worst = zip(p, q).reduce(worst) { max($0, abs($1.0 - $1.1) / largest) }
    }
    return worst
  }

  // Sums of at most 108 products in another order, with Winograd's transforms: some hundred roundings of 2^-24.
  private static let tolerance: Float = 2e-5

  @Test(arguments: NetworkPass.allCases, [[1, 5, 9, 8], [3, 5, 16, 17], [1, 5, 64, 40]])
  func `a pass changes nothing`(_ pass: NetworkPass, _ extents: [Int]) throws {
    let all = NetworkOptions(winograd: .off, disabledPasses: Set(NetworkPass.allCases))
    let input = ["x": Self.image(extents)]
    let reference = try Network(Self.model(), options: all).run(input)
    for disabled in [Set<NetworkPass>(), [pass], Set(NetworkPass.allCases).subtracting([pass])] {
      let network = try Network(Self.model(), options: NetworkOptions(disabledPasses: disabled))
      #expect(try Self.difference(reference, try network.run(input)) < Self.tolerance, "without \(disabled)")
    }
  }

  @Test func `fusion leaves fewer steps`() throws {
    func steps(_ disabled: Set<NetworkPass>) throws -> Int {
      let network = try Network(Self.model(), options: NetworkOptions(disabledPasses: disabled))
      let shape = ["x": InputShape(type: .float32, extents: [1, 5, 16, 16])]
      return try network.plan(for: shape, outputs: ["y", "sum"]).plan.steps.count
    }
    let whole = try steps(Set(NetworkPass.allCases))
    #expect(try steps(Set(NetworkPass.allCases).subtracting([.fusion])) < whole)
    #expect(try steps([]) <= whole - 8)
  }

  @Test(arguments: [1, 2, 3]) func `threads change no bit`(_ threads: Int) throws {
    let input = ["x": Self.image([2, 5, 33, 30])]
    let one = try Network(Self.model()).run(input)
    let many = try Network(Self.model(), options: NetworkOptions(threads: threads)).run(input)
    for (name, tensor) in one {
      let same = tensor.floats?.elements.map(\.bitPattern) == many[name]?.floats?.elements.map(\.bitPattern)
      #expect(same, "\(name)")
    }
  }

  @Test func `sizes of one network one behind the other, in one session`() throws {
    let network = try Network(Self.model())
    let session = network.makeSession()
    for extents in [[1, 5, 9, 8], [2, 5, 12, 8], [1, 5, 9, 8], [1, 5, 30, 31]] {
      let input = ["x": Self.image(extents)]
      let fresh = try Network(Self.model()).run(input)
      #expect(try session.run(input) == fresh)
    }
  }

  @Test func `inner values can be asked for`() throws {
    let input = ["x": Self.image([1, 5, 9, 8])]
    let network = try Network(Self.model())
    let all = NetworkOptions(disabledPasses: Set(NetworkPass.allCases))
    let reference = try Network(Self.model(), options: all).run(input, outputs: ["c", "gate", "m"])
    let outputs = try network.run(input, outputs: ["c", "gate", "m"])
    #expect(try Self.difference(reference, outputs) < Self.tolerance)
    #expect(throws: NetworkError.self) { try network.run(input, outputs: ["nosuch"]) }
  }

  @Test func `tasks side by side`() async throws {
    let network = try Network(Self.model())
    let input = ["x": Self.image([1, 5, 20, 21])]
    let expected = try network.run(input)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 { group.addTask { try network.run(input) == expected } }
      for try await same in group { #expect(same) }
    }
  }

  @Test func `wrong inputs are named`() throws {
    let network = try Network(Self.model())
    for input in [
      [:], ["x": Self.image([1, 4, 9, 8])], ["x": Self.image([5, 9])], ["z": Self.image([1, 5, 9, 8])],
    ] {
      #expect(throws: NetworkError.self) { try network.run(input) }
    }
    // Smaller than the pool's window.
    #expect(throws: NetworkError.self) { try network.run(["x": Self.image([1, 5, 1, 1])]) }
  }

  @Test func `an operator that there is not names its node`() throws {
    var model = Self.model()
    model.main.nodes[3].opType = "NoSuch"
    #expect { try Network(model) } throws: { "\($0)".contains("'d'") && "\($0)".contains("NoSuch") }
    model = Self.model()
    model.main.nodes[1].attributes.append(Attribute("surprise", .int(1)))
    #expect { try Network(model) } throws: { "\($0)".contains("surprise") }
  }

  @Test func `no two values that are needed at once share memory`() throws {
    let shape = ["x": InputShape(type: .float32, extents: [1, 5, 24, 24])]
    let plan = try Network(Self.model()).plan(for: shape, outputs: ["y", "sum"]).plan
    // Until a step has read a place, no step between the one that wrote it and this one may write there.
    var written: [(range: Range<Int>, buffer: Int, step: Int)] = []
    for (place, (step, places)) in plan.steps.enumerated() {
      for (operand, memory) in zip(step.operands, places) where !operand.isWritten && memory.block == 0 {
        let range = memory.byteOffset..<(memory.byteOffset + memory.byteCount)
        let made = try #require(written.last { $0.buffer == operand.buffer }?.step)
        let others = written.filter {
          $0.step > made && $0.buffer != operand.buffer && $0.range.overlaps(range)
        }
        #expect(others.isEmpty, "step \(place) reads what step \(others.first?.step ?? 0) has written over")
      }
      for (operand, memory) in zip(step.operands, places) where operand.isWritten && memory.block == 0 {
        written.append((memory.byteOffset..<(memory.byteOffset + memory.byteCount), operand.buffer, place))
      }
    }
  }
}
