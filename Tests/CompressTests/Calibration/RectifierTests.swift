import ModelGraph
import Tensors
import Testing

@testable import Compress

@Suite struct RectifierTests {
  static let all = [
    Rectifier(slope: 0, low: 0, high: .infinity), Rectifier(slope: 0.1, low: 0, high: .infinity),
    Rectifier(slope: 0, low: 0, high: 6), Rectifier(slope: 0, low: -1, high: 1),
  ]

  /// Values at, under and over the bounds, by hand.
  @Test func valuesAreThoseOfTheOperators() {
    #expect([-3, 0, 2].map { Self.all[0]($0) } == [0, 0, 2])
    #expect([-3, 0, 2].map { Self.all[1]($0) } == [-0.3, 0, 2].map { Float($0) })
    #expect([-3, 0, 2, 9].map { Self.all[2]($0) } == [0, 0, 2, 6])
    #expect([-3, -1, 0.5, 9].map { Self.all[3]($0) } == [-1, -1, 0.5, 1])
  }

  /// No argument on a fine grid is better than the one that is found.
  @Test(arguments: all) func theArgumentIsTheBest(rectifier: Rectifier) {
    func loss(_ z: Float, _ value: Float, _ start: Float) -> Double {
      let (miss, step) = (Double(rectifier(z) - value), Double(z - start))
      return miss * miss + 0.01 * step * step
    }
    for wanted in stride(from: Float(-8), through: 8, by: 0.7) {
      for start in stride(from: Float(-8), through: 8, by: 0.9) {
        let value = rectifier(wanted)
        let found = loss(rectifier.argument(for: value, near: start), value, start)
        let least = stride(from: Float(-9), through: 9, by: 0.01).map { loss($0, value, start) }.min() ?? 0
        // The grid's own steps leave up to 0.005² (1 + 0.01), Float some 1e-6.
        #expect(found <= least + 1e-5, "\(value) near \(start)")
      }
    }
  }

  /// What stays as it is where it gives what it should: nothing is to be learnt from responses that a ReLU hides.
  @Test func hiddenResponsesStayWhereTheyAre() {
    #expect(Self.all[0].argument(for: 0, near: -5) == -5)
    #expect(Self.all[2].argument(for: 6, near: 7.5) == 7.5)
    #expect(abs(Self.all[0].argument(for: 0, near: 5)) < 0.06)
  }

  /// Rectifiers are seen behind a value where all that take it put it through the same one first, pools in between or not.
  @Test func theyAreFoundInGraphs() throws {
    func found(_ nodes: [Node], outputs: [String] = ["z"]) throws -> Rectifier? {
      var graph = Graph()
      for (name, value) in [("zero", Float(0)), ("six", 6)] {
        graph.constants.append(
          Constant(name: name, Tensor(shape: [], elements: [value]), type: .float32))
      }
      graph.nodes = [Node(opType: "Conv", inputs: ["x", "w"], outputs: ["y"])] + nodes
      graph.outputs = outputs.map { ValueInfo(name: $0) }
      let model = ModelGraph(
        path: "built.onnx", main: graph, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
      return model.rectifier(behind: "y", GraphIndex(model.main))
    }
    func node(_ op: String, _ inputs: [String], _ output: String = "z", _ attributes: [Attribute] = [])
      -> Node
    {
      Node(opType: op, inputs: inputs, outputs: [output], attributes: attributes)
    }
    let relu = Self.all[0]
    #expect(try found([node("Relu", ["y"])]) == relu)
    #expect(try found([node("LeakyRelu", ["y"], "z", [Attribute("alpha", .float(0.1))])]) == Self.all[1])
    #expect(try found([node("Clip", ["y", "zero", "six"])]) == Self.all[2])
    #expect(
      try found([node("Clip", ["y"], "z", [Attribute("min", .float(-1)), Attribute("max", .float(1))])])
        == Self.all[3])
    #expect(try found([node("MaxPool", ["y"], "p"), node("Relu", ["p"])]) == relu)
    #expect(try found([node("Relu", ["y"], "a"), node("Relu", ["y"])]) == relu)
    // An average, a sum, a second reader of another kind, an output of the network, a bound that is computed.
    #expect(try found([node("AveragePool", ["y"], "p"), node("Relu", ["p"])]) == nil)
    #expect(try found([node("Add", ["y", "x"], "p"), node("Relu", ["p"])]) == nil)
    #expect(try found([node("Relu", ["y"], "a"), node("Sigmoid", ["y"])]) == nil)
    #expect(try found([node("Relu", ["y"], "a"), node("Clip", ["y", "zero", "six"])]) == nil)
    #expect(try found([node("Relu", ["y"])], outputs: ["y", "z"]) == nil)
    #expect(try found([node("Clip", ["y", "zero", "x"])]) == nil)
    #expect(try found([]) == nil)
  }
}
