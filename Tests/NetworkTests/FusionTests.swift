import ModelGraph
import Tensors
import TestSupport
import Testing

@testable import Network

/// What steps take up of the nodes behind them: each against the same network without any pass.
@Suite struct FusionTests {
  /// Gates, affine blocks behind hard swishes, sums of resized maps, a transposed convolution with all that follows one.
  private static func model() -> ModelGraph {
    var random = SeededGenerator(seed: 71)
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: .tensor(.float32, shape: [.open, .known(5), .open, .open]))],
      outputs: ["y", "square", "small", "whole"].map { ValueInfo(name: $0) })
    func constant(_ name: String, _ extents: Int..., from low: Float = -1) -> String {
      let elements = (0..<extents.reduce(1, *)).map { _ in Float.random(in: low...1, using: &random) }
      graph.constants.append(
        Constant(name: name, Tensor(shape: Shape(extents), elements: elements), type: .float32))
      return name
    }
    func numbers(_ name: String, _ elements: [Float]) -> String {
      graph.constants.append(
        Constant(name: name, Tensor(shape: [elements.count], elements: elements), type: .float32))
      return name
    }
    func node(_ op: String, _ inputs: [String], _ output: String, _ attributes: [Attribute] = []) {
      graph.nodes.append(
        Node(name: output, opType: op, inputs: inputs, outputs: [output], attributes: attributes))
    }
    let pads = Attribute("pads", .ints([1, 1, 1, 1]))
    let nearest = [
      Attribute("mode", text: "nearest"), Attribute("nearest_mode", text: "floor"),
      Attribute("coordinate_transformation_mode", text: "asymmetric"),
    ]
    node("Conv", ["x", constant("w1", 16, 5, 3, 3), constant("b1", 16)], "a", [pads])
    node("HardSwish", ["a"], "a1")
    node("Mul", [numbers("scale", [1.7]), "a1"], "a2")
    node("Add", ["a2", numbers("shift", [0.3])], "a3")
    node("Conv", ["a3", constant("w2", 16, 1, 3, 3)], "b", [pads, Attribute("group", .int(16))])
    node("Add", ["b", "a3"], "b1")
    node("HardSwish", ["b1"], "b2")
    node("Mul", ["b2", numbers("other", [-0.6])], "b3")
    node("GlobalAveragePool", ["b3"], "c")
    node("Conv", ["c", constant("w3", 16, 16, 1, 1)], "c1")
    node("HardSigmoid", ["c1"], "c2")
    node("Mul", ["b3", "c2"], "c3")
    node("Add", ["b3", "c3"], "d")
    node(
      "MaxPool", ["d"], "e",
      [Attribute("kernel_shape", .ints([2, 2])), Attribute("strides", .ints([2, 2]))])
    node("Resize", ["e", "", numbers("twice", [1, 1, 2, 2])], "e1", nearest)
    node("Add", ["d", "e1"], "f")
    node("Resize", ["e", "", "twice"], "e2", [Attribute("mode", text: "linear")])
    node("Add", ["e2", "f"], "g")
    node("Pow", ["g", numbers("two", [2])], "square")
    node(
      "ConvTranspose", ["g", constant("w4", 16, 6, 2, 2)], "h", [Attribute("strides", .ints([2, 2]))])
    node("Add", ["h", constant("b4", 6, 1, 1)], "h0")
    node(
      "BatchNormalization",
      [
        "h0", constant("gamma", 6), constant("beta", 6), constant("mean", 6),
        constant("variance", 6, from: 0.5),
      ],
      "h1")
    node("Div", ["h1", constant("divisor", 1, 6, 1, 1, from: 0.5)], "h2")
    node("Relu", ["h2"], "y")
    node("Conv", ["g", constant("w5", 6, 16, 1, 1)], "k")
    node("Sub", ["k", "b4"], "k1")
    node("BatchNormalization", ["k1", "gamma", "beta", "mean", "variance"], "k2")
    node("LeakyRelu", ["k2"], "small")
    // The same on integers, which have no step of their own for it.
    graph.inputs.append(ValueInfo(name: "n", type: .tensor(.int64, shape: [.open])))
    node("Mul", ["n", "n"], "n1")
    node("Add", ["n", "n1"], "whole")
    return ModelGraph(path: "fusion", main: graph, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
  }

  private static func inputs(_ extents: [Int]) -> [String: NetworkTensor] {
    var random = SeededGenerator(seed: 72)
    return [
      "x": NetworkTensor(random.tensor(Shape(extents))),
      "n": NetworkTensor(shape: [4], integers: [-3, 0, 7, 1 << 33], type: .int64),
    ]
  }

  @Test(arguments: [[1, 5, 8, 6], [2, 5, 24, 34]], [1, 2])
  func takingUpChangesNothing(_ extents: [Int], threads: Int) throws {
    let plain = NetworkOptions(winograd: .off, disabledPasses: Set(NetworkPass.allCases))
    let reference = try Network(Self.model(), options: plain).run(Self.inputs(extents))
    for disabled in [[], [NetworkPass.fusion], [.batchNormalization], [.chains]] as [Set<NetworkPass>] {
      let options = NetworkOptions(threads: threads, disabledPasses: disabled)
      let outputs = try Network(Self.model(), options: options).run(Self.inputs(extents))
      #expect(outputs["whole"]?.integers == reference["whole"]?.integers)
      for name in ["y", "square", "small"] {
        let (p, q) = (
          try #require(reference[name]?.floats?.elements), try #require(outputs[name]?.floats?.elements)
        )
        let largest = p.reduce(Float(1e-20)) { max($0, abs($1)) }
        let worst = zip(p, q).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        // Sums of at most 64 products in another order through six layers: some hundred roundings of 2^-24.
        #expect(
          p.count == q.count && worst <= 2e-5 * largest, "\(name) without \(disabled): \(worst / largest)")
      }
    }
  }

  @Test func stepsTakeUpWhatFollows() throws {
    let network = try Network(Self.model())
    let plan = try network.plan(
      for: Self.inputs([1, 5, 8, 6]).mapValues { InputShape($0) }, outputs: ["y", "square", "small"])
    let operations = plan.plan.steps.map(\.step.operation)
    // One step for the floats, two for the integers.
    #expect(operations.filter { $0 == "Mul+Add" }.count == 3, "\(operations)")
    #expect(!operations.contains("Mul") && !operations.contains("BatchNormalization"), "\(operations)")
    #expect(operations.filter { $0.hasPrefix("Resize") }.count == 3, "\(operations)")
    // One convolution for all four phases, and one step that puts them in their places.
    let transposed = operations.filter { $0.hasPrefix("ConvTranspose") }
    #expect(transposed == Array(repeating: "ConvTranspose+Add+BatchNormalization+Div+Relu", count: 2))
    #expect(operations.contains("Conv+Sub+BatchNormalization+LeakyRelu"), "\(operations)")
  }
}
