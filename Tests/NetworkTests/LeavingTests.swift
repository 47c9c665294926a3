import ModelGraph
import TestSupport
import Tensors
import Testing

@testable import Network

/// What leaves a network straight from a convolution is written as it has to lie there.
@Suite struct LeavingTests {
  /// Two convolutions, with what the second one adds, and what there is behind it.
  private static func model(adds: Bool, goesOn: Bool) -> ModelGraph {
    var random = SeededGenerator(seed: 81)
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: .tensor(.float32, shape: [.open, .known(20), .open, .open]))],
      outputs: [ValueInfo(name: "y")])
    for (name, extents) in [("w1", [20, 20, 3, 3]), ("w2", [20, 20, 1, 1]), ("b2", [20])] {
      graph.constants.append(Constant(name: name, random.tensor(Shape(extents)), type: .float32))
    }
    func node(_ op: String, _ inputs: [String], _ output: String, _ attributes: [Attribute] = []) {
      graph.nodes.append(
        Node(name: output, opType: op, inputs: inputs, outputs: [output], attributes: attributes))
    }
    node("Conv", ["x", "w1"], "a", [Attribute("pads", .ints([1, 1, 1, 1]))])
    node("Conv", ["a", "w2", "b2"], adds ? "b" : "y")
    if adds { node("Add", ["b", "x"], "y") }
    if goesOn {
      graph.outputs.append(ValueInfo(name: "behind"))
      node("MaxPool", ["y"], "behind", [Attribute("kernel_shape", .ints([2, 2]))])
    }
    return ModelGraph(
      path: "leaving", main: graph, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
  }

  @Test(arguments: [[1, 20, 7, 9], [3, 20, 33, 18]], [false, true])
  func theSameNumbersWithoutACopy(_ extents: [Int], adds: Bool) throws {
    var random = SeededGenerator(seed: 82)
    let inputs = ["x": NetworkTensor(random.tensor(Shape(extents)))]
    func run(goesOn: Bool) throws -> (copies: Int, y: Tensor<Float>?) {
      let network = try Network(Self.model(adds: adds, goesOn: goesOn))
      let outputs = network.outputs.map(\.name)
      let plan = try network.plan(for: inputs.mapValues { InputShape($0) }, outputs: outputs)
      let copies = plan.plan.steps.count { $0.step.operation == "Output" && $0.step.node == "y" }
      return (copies, try network.run(inputs)["y"]?.floats)
    }
    let (alone, beside) = (try run(goesOn: false), try run(goesOn: true))
    #expect(alone.y != nil && alone.y == beside.y)
    // A residual lies channel-last, and so does the sum.
    #expect(alone.copies == (adds ? 1 : 0) && beside.copies == 1)
  }
}
