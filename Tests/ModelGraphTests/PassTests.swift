import ONNX
import Tensors
import TestSupport
import Testing

@testable import ModelGraph

@Suite struct PassTests {
  private func value(_ name: String, _ shape: [ValueInfo.Dimension]) -> ValueInfo {
    ValueInfo(name: name, type: .tensor(.float32, shape: shape))
  }

  private func model(_ graph: Graph) -> ModelGraph {
    ModelGraph(path: "test", main: graph, operatorSets: [OperatorSet(version: 18)], formatVersion: 8)
  }

  /// `Shape`, `Gather`, `Concat`, `Reshape` as PyTorch writes a flattening out: all but the reshape itself goes.
  private func flattening(_ batch: ValueInfo.Dimension) -> ModelGraph {
    var graph = Graph(
      nodes: [
        Node(
          opType: "Constant", inputs: [], outputs: ["zero"], attributes: [Attribute("value_int", .int(0))]),
        Node(opType: "Shape", inputs: ["x"], outputs: ["shape"]),
        Node(
          opType: "Gather", inputs: ["shape", "zero"], outputs: ["batch"],
          attributes: [Attribute("axis", .int(0))]),
        Node(opType: "Unsqueeze", inputs: ["batch", "axes"], outputs: ["batches"]),
        Node(
          opType: "Concat", inputs: ["batches", "rest"], outputs: ["target"],
          attributes: [Attribute("axis", .int(0))]),
        Node(opType: "Reshape", inputs: ["x", "target"], outputs: ["y"]),
      ],
      inputs: [value("x", [batch, .known(3), .known(5)])], outputs: [value("y", [.open, .open])])
    graph.constants.append(Constant(name: "axes", [0]))
    graph.constants.append(Constant(name: "rest", [-1]))
    return model(graph)
  }

  @Test func arithmeticOnShapesIsFolded() throws {
    var graph = flattening(.known(2))
    let notes = try graph.apply([ConstantFolding()])
    #expect(
      notes.map(\.description) == [
        "constants: zero: Constant is known beforehand", "constants: shape: Shape is known beforehand",
        "constants: batch: Gather is known beforehand",
        "constants: batches: Unsqueeze is known beforehand",
        "constants: target: Concat is known beforehand",
      ])
    #expect(graph.main.nodes.map(\.opType) == ["Reshape"])
    #expect(graph.main.constants.map(\.name) == ["target"])
    #expect(graph.main.constants["target"]?.integers == [2, -1])
    #expect(graph.main.constants["target"]?.extents == [2])
    #expect(try graph.apply([ConstantFolding(), UnusedNodeRemoval()]).isEmpty)
  }

  /// Weights that layers share, as PyTorch writes them: an `Identity` of an `Identity`. What a caller may override, or asks
  /// for, stays.
  @Test(arguments: ["", "input", "output"]) func anotherNameOfAConstantIsOne(role: String) throws {
    var graph = Graph(
      nodes: [
        Node(opType: "Identity", inputs: ["w"], outputs: ["v"]),
        Node(opType: "Identity", inputs: ["v"], outputs: ["u"]),
        Node(opType: "Conv", inputs: ["x", "u"], outputs: ["y"]),
      ],
      inputs: [value("x", [.known(1), .known(2), .known(5)])],
      outputs: [value("y", [.open, .open, .open])])
    let weights = Tensor<Float>(shape: [3, 2, 1], elements: [1, 2, 3, 4, 5, 6])
    graph.constants.append(Constant(name: "w", weights, type: .float32))
    if role == "input" { graph.inputs.append(value("w", [.known(3), .known(2), .known(1)])) }
    if role == "output" { graph.outputs.append(value("v", [.open, .open, .open])) }
    var model = model(graph)
    _ = try model.apply([ConstantFolding()])
    switch role {
    case "": #expect(model.main.nodes.map(\.opType) == ["Conv"] && model.main.constants.map(\.name) == ["u"])
    case "input": #expect(model.main.nodes == graph.nodes)
    default: #expect(model.main.nodes.map(\.outputs) == [["v"], ["u"], ["y"]])
    }
    if role.isEmpty { #expect(try model.main.constants["u"]?.floats() == weights) }
  }

  /// An open batch stays open, whatever a report takes it for; with a shape for the input it is known.
  @Test func whatIsOpenIsNotFolded() throws {
    var graph = flattening(.symbol("batch"))
    #expect(try graph.apply([ConstantFolding()]).map(\.place) == ["zero"])
    #expect(graph.main.nodes.count == 5)
    var given = flattening(.symbol("batch"))
    _ = try given.apply([ConstantFolding(inputShapes: ["x": [7, 3, 5]])])
    #expect(given.main.constants["target"]?.integers == [7, -1])
  }

  /// Numbers that do not fit their type, divisions that leave a rest in floating point, orders of elements that are not
  /// those of one axis: nothing of that is folded.
  @Test func whatIsNotExactIsNotFolded() throws {
    var graph = Graph(
      nodes: [
        Node(opType: "Mul", inputs: ["large", "large"], outputs: ["overflow"]),
        Node(opType: "Cast", inputs: ["seven"], outputs: ["float"], attributes: [Attribute("to", .int(1))]),
        Node(opType: "Cast", inputs: ["two"], outputs: ["float2"], attributes: [Attribute("to", .int(1))]),
        Node(opType: "Div", inputs: ["float", "float2"], outputs: ["half"]),
        Node(opType: "Cast", inputs: ["half"], outputs: ["whole"], attributes: [Attribute("to", .int(7))]),
        Node(opType: "Div", inputs: ["seven", "two"], outputs: ["three"]),
        Node(
          opType: "Concat", inputs: ["square", "square"], outputs: ["wide"],
          attributes: [Attribute("axis", .int(1))]),
        Node(opType: "Max", inputs: ["two", "seven", "nine"], outputs: ["most"]),
        Node(
          opType: "Sum", inputs: ["overflow", "whole", "three", "wide", "most"], outputs: ["y"]),
      ],
      outputs: [value("y", [.open])])
    graph.constants.append(Constant(name: "large", [1 << 20], type: .int32))
    for (name, number) in [("seven", 7), ("two", 2), ("nine", 9)] {
      graph.constants.append(Constant(name: name, [number]))
    }
    graph.constants.append(Constant(name: "square", [1, 2, 3, 4], extents: [2, 2]))
    var folded = model(graph)
    #expect(try folded.apply([ConstantFolding()]).map(\.place) == ["three"])
    #expect(folded.main.constants["three"]?.integers == [3])
  }

  /// Whoever runs the model asks for its outputs, whether they are known beforehand or not.
  @Test func outputsOfTheModelAreNotFolded() throws {
    var graph = flattening(.known(2))
    graph.main.outputs.append(value("shape", [.known(3)]))
    #expect(try graph.apply([ConstantFolding()]).map(\.place) == ["zero", "batch", "batches", "target"])
    #expect(graph.main.nodes.map(\.opType) == ["Shape", "Reshape"])
    #expect(graph.main.constants["shape"] == nil)
  }

  @Test func unusedNodesGo() throws {
    var graph = flattening(.known(2))
    graph.main.nodes[5] = Node(opType: "Relu", inputs: ["x"], outputs: ["y"])
    let notes = try graph.apply([UnusedNodeRemoval()])
    #expect(notes.map(\.place) == ["zero", "shape", "batch", "batches", "target"])
    #expect(graph.main.nodes.map(\.opType) == ["Relu"])
    #expect(graph.main.constants.isEmpty)
  }

  /// What a body takes from around it is used.
  @Test func whatBodiesTakeStays() throws {
    var graph = try ModelGraph(onnx: Vectors.path("if-branches.onnx"))
    let before = graph
    #expect(try graph.apply([UnusedNodeRemoval()]).isEmpty)
    #expect(graph == before)
  }

  /// Also what a node makes and a body alone takes.
  @Test func whatOnlyABodyTakesStays() throws {
    let branch = Graph(
      nodes: [Node(opType: "Neg", inputs: ["v"], outputs: ["w"])], outputs: [value("w", [.open])])
    let graph = Graph(
      nodes: [
        Node(opType: "Relu", inputs: ["x"], outputs: ["v"]),
        Node(
          opType: "If", inputs: ["c"], outputs: ["y"],
          attributes: [Attribute("then_branch", .graph(branch)), Attribute("else_branch", .graph(branch))]),
      ],
      inputs: [value("x", [.open]), value("c", [])], outputs: [value("y", [.open])])
    var kept = model(graph)
    #expect(try kept.apply([UnusedNodeRemoval()]).isEmpty)
    #expect(kept.main.nodes.map(\.opType) == ["Relu", "If"])
  }

  /// `scale (K x + b) + shift` at one position, by the definition, for each layout of the weight.
  @Test(arguments: ["Conv", "ConvTranspose"])
  func batchNormalizationIsFolded(operation: String) throws {
    var generator = SeededGenerator(seed: 8)
    let (outputs, inputs) = (3, 2)
    let stored: Shape = operation == "Conv" ? [outputs, inputs, 1, 1] : [inputs, outputs, 1, 1]
    let weight = Tensor<Float>.random(stored, using: &generator)
    let vectors = (0..<5).map { _ in Tensor<Float>.random([outputs], using: &generator) }
    let variance = Tensor(shape: [outputs], elements: vectors[3].elements.map { $0 * $0 + 0.5 })
    var graph = Graph(
      nodes: [
        Node(name: "conv", opType: operation, inputs: ["x", "w", "b"], outputs: ["v"]),
        Node(
          name: "bn", opType: "BatchNormalization", inputs: ["v", "gamma", "beta", "mean", "variance"],
          outputs: ["y"], attributes: [Attribute("epsilon", .float(0.25))]),
      ],
      inputs: [value("x", [.known(1), .known(inputs), .open, .open])], outputs: [value("y", [])])
    let parameters = [
      ("w", weight), ("gamma", vectors[0]), ("beta", vectors[1]), ("mean", vectors[2]),
      ("variance", variance), ("b", vectors[4]),
    ]
    for (name, tensor) in parameters {
      graph.constants.append(Constant(name: name, tensor, type: .float32))
    }
    var folded = model(graph)
    let notes = try folded.apply([BatchNormalizationFolding()])
    #expect(notes.map(\.description) == ["batch-normalization: bn: folded into conv"])
    let node = try #require(folded.main.nodes.first)
    #expect(folded.main.nodes.count == 1 && node.outputs == ["y"])
    #expect(folded.main.constants.map(\.name) == Array(node.inputs.dropFirst()))
    let constants = try folded.main.constants.map { try #require(try $0.floats()) }
    let (newWeight, newBias) = (constants[0], constants[1])
    for t in 0..<outputs {
      let scale = Double(vectors[0][t]) / (Double(variance[t]) + 0.25).squareRoot()
      let shift = Double(vectors[1][t]) + scale * (Double(vectors[4][t]) - Double(vectors[2][t]))
      // One rounding to Float each.
      #expect(abs(Double(newBias[t]) - shift) <= abs(shift) * 0x1p-24)
      for s in 0..<inputs {
        let (old, new) =
          operation == "Conv"
          ? (weight[t, s, 0, 0], newWeight[t, s, 0, 0]) : (weight[s, t, 0, 0], newWeight[s, t, 0, 0])
        #expect(abs(Double(new) - scale * Double(old)) <= abs(scale * Double(old)) * 0x1p-24)
      }
    }
    #expect(try folded.apply([BatchNormalizationFolding()]).isEmpty)
  }
}
