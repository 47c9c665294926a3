import ModelGraph
import TestSupport
import Tensors
import Testing

@testable import Network

/// Where the result of a ConvTranspose lies, and what it is where it reads no input.
@Suite struct TransposedConvolutionTests {
  /// A ConvTranspose of two channels to three, with a Concat behind it where `axis` names one.
  private static func model(
    weights: Tensor<Float>, bias: Tensor<Float>, _ attributes: [Attribute], axis: Int?, relu: Bool = false
  ) -> ModelGraph {
    var graph = Graph(
      inputs: [
        ValueInfo(name: "x", type: .tensor(.float32, shape: [.known(1), .known(2), .known(3), .known(4)]))
      ],
      outputs: [ValueInfo(name: "t")])
    graph.constants.append(Constant(name: "w", weights, type: .float32))
    graph.constants.append(Constant(name: "b", bias, type: .float32))
    let made = relu ? "c" : "t"
    graph.nodes = [
      Node(
        name: "c", opType: "ConvTranspose", inputs: ["x", "w", "b"], outputs: [made], attributes: attributes)
    ]
    if relu { graph.nodes.append(Node(name: "r", opType: "Relu", inputs: ["c"], outputs: ["t"])) }
    if let axis {
      graph.nodes += [
        Node(name: "n", opType: "Neg", inputs: ["t"], outputs: ["n"]),
        Node(
          name: "y", opType: "Concat", inputs: ["n", "t"], outputs: ["y"],
          attributes: [Attribute("axis", .int(axis))]),
      ]
      graph.outputs.append(ValueInfo(name: "y"))
    }
    return ModelGraph(
      path: "transposed", main: graph, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
  }

  /// Without strides the convolution writes its result itself, but beside others along a row or a column.
  @Test(arguments: [1, 2, 3]) func resultsAreConcatenated(axis: Int) throws {
    var random = SeededGenerator(seed: 85)
    let (x, weights): (Tensor<Float>, Tensor<Float>) = (
      random.tensor([1, 2, 3, 4]), random.tensor([2, 3, 2, 2])
    )
    func run(_ axis: Int?) throws -> [String: NetworkTensor] {
      try Network(Self.model(weights: weights, bias: random.tensor([3]), [], axis: axis))
        .run(["x": NetworkTensor(x)])
    }
    let outputs = try run(axis)
    let (t, y) = (try #require(outputs["t"]?.floats), try #require(outputs["y"]?.floats))
    #expect(t.shape == [1, 3, 4, 5])
    for place in 0..<t.count {
      var index = [place / 20, place / 5 % 4, place % 5]
      #expect(y[0, index[0], index[1], index[2]] == -t.elements[place])
      index[axis - 1] += t.shape[axis]
      #expect(y[0, index[0], index[1], index[2]] == t.elements[place])
    }
  }

  /// Rows that padding adds to the output behind the last that an input reaches are the bias.
  @Test(arguments: [false, true]) func rowsThatReadNothingAreTheBias(relu: Bool) throws {
    var random = SeededGenerator(seed: 86)
    let (x, weights): (Tensor<Float>, Tensor<Float>) = (
      random.tensor([1, 2, 3, 4]), random.tensor([2, 3, 1, 1])
    )
    let bias = Tensor<Float>(shape: [3], elements: [0.5, -1, 2])
    let attributes = [Attribute("strides", .ints([3, 3])), Attribute("output_padding", .ints([2, 2]))]
    let network = try Network(Self.model(weights: weights, bias: bias, attributes, axis: nil, relu: relu))
    let y = try #require(try network.run(["x": NetworkTensor(x)])["t"]?.floats)
    #expect(y.shape == [1, 3, 9, 12])
    for channel in 0..<3 {
      for (row, column) in (0..<9).flatMap({ row in (0..<12).map { (row, $0) } }) {
        var sum = bias.elements[channel]
        if row % 3 == 0, column % 3 == 0 {
          for s in 0..<2 { sum += x[0, s, row / 3, column / 3] * weights[s, channel, 0, 0] }
        }
        #expect(abs(y[0, channel, row, column] - (relu ? max(sum, 0) : sum)) < 1e-5)
      }
    }
  }
}
