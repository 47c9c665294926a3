import ModelGraph
import Tensors
import Testing

/// Weights behind the nodes that widen them, against ONNX's definition of the operators.
@Suite struct StoredWeightTests {
  private static func model(_ constants: [Constant], _ node: Node) -> ModelGraph {
    var graph = Graph()
    for constant in constants { graph.constants.append(constant) }
    graph.inputs = [ValueInfo(name: "x", type: .tensor(.float32, shape: [.known(1), .known(2)]))]
    graph.outputs = [ValueInfo(name: "y")]
    graph.nodes = [node, Node(name: "dense", opType: "MatMul", inputs: ["x", "w"], outputs: ["y"])]
    return ModelGraph(
      path: "built.onnx", main: graph, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
  }

  private static let numbers = Constant(name: "q", [1, -2, 3, 4, 5, -6], type: .int8, extents: [2, 3])

  private static func dequantized(_ scales: [Float], zeroPoints: [Int]? = nil, axis: Int) -> ModelGraph {
    let extents = scales.count == 1 ? [] : [scales.count]
    var constants = [
      numbers, Constant(name: "s", Tensor(shape: Shape(extents), elements: scales), type: .float32),
    ]
    if let zeroPoints {
      constants.append(Constant(name: "z", zeroPoints, type: .int8, extents: extents))
    }
    return model(
      constants,
      Node(
        opType: "DequantizeLinear", inputs: ["q", "s"] + (zeroPoints == nil ? [] : ["z"]), outputs: ["w"],
        attributes: [Attribute("axis", .int(axis))]))
  }

  @Test(arguments: [
    (dequantized([0.5, 2, 4], axis: 1), [0.5, -4, 12, 2, 10, -24]),
    (dequantized([0.5, 2, 4], axis: -1), [0.5, -4, 12, 2, 10, -24]),
    (dequantized([0.5, 2], zeroPoints: [1, -1], axis: 0), [0, -1.5, 1, 10, 12, -10]),
    (dequantized([0.25], axis: 1), [0.25, -0.5, 0.75, 1, 1.25, -1.5]),
  ])
  func integersAreScaled(model: ModelGraph, stored: [Float]) throws {
    let layer = try #require(try model.layers().first)
    #expect(layer.obstacle == nil)
    // [S, T] in the file, [T, S] as a kernel.
    let kernel = try model.kernel(of: layer)
    #expect(kernel.permuted([1, 0]).elements == stored)
    var widened = model
    let notes = try widened.apply([WeightWidening()])
    #expect(notes.map(\.place) == ["w"])
    #expect(widened.main.nodes.map(\.opType) == ["MatMul"])
    #expect(widened.main.constants.map(\.name) == ["w"])
    let after = try widened.kernel(of: widened.layers()[0])
    #expect(kernel == after)
  }

  @Test func halvesAreCast() throws {
    let half = Constant(name: "q", Tensor(shape: [2, 1], elements: [0.1, 3]), type: .float16)
    let cast = Node(opType: "Cast", inputs: ["q"], outputs: ["w"], attributes: [Attribute("to", .int(1))])
    let model = Self.model([half], cast)
    let layer = try #require(try model.layers().first)
    #expect(layer.elementType == .float32)
    let kernel = try model.kernel(of: layer)
    #expect(kernel.elements == [Float(Float16(0.1)), 3])
  }

  @Test(arguments: [
    dequantized([1, 2], axis: 1), dequantized([1, 2, 3], axis: 0), dequantized([1, 2, 3], axis: 7),
    dequantized([1, 2, 3], axis: Int.min),
  ])
  func scalesThatDoNotFitAreNoWeight(model: ModelGraph) throws {
    let layers = try model.layers()
    #expect(layers.isEmpty || layers[0].obstacle != nil)
    var widened = model
    let notes = try widened.apply([WeightWidening()])
    #expect(notes.isEmpty)
  }
}
