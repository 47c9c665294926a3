import ONNX
import TensorFiles
import Tensors
import TestSupport
import Testing

@testable import ModelGraph

@Suite struct LayerTests {
  @Test(
    arguments: [
      ("conv2d", [12, 8, 3, 3]), ("conv1d", [12, 8, 5]), ("conv3d", [8, 8, 3, 3, 3]), ("gemm", [12, 16]),
      ("gemm-transb", [12, 16]), ("gemm-transa", [12, 16]), ("matmul-left", [12, 16]),
      ("matmul-right", [12, 16]),
      ("conv-constant-nodes", [12, 8, 3, 3]), ("conv-external", [12, 8, 3, 3]),
      ("conv-grouped", [16, 8, 3, 3]),
      ("conv-transpose", [12, 8, 3, 3]),
    ] as [(String, Shape)])
  func kernelsHaveOutputChannelsFirst(name: String, shape: Shape) throws {
    let model = try ModelGraph(onnx: Vectors.path("\(name).onnx"))
    let layer = try #require(try model.layers().first)
    #expect(layer.kernelShape == shape)
    #expect(layer.obstacle == nil)
    #expect(try model.kernel(of: layer).shape == shape)
  }

  /// Spatial extents before and after each layer, as ONNX Runtime has them: see NAME.input.npy and NAME.output.npy.
  @Test(arguments: [
    "conv1d", "conv2d", "conv2d-1x1-strided", "conv2d-same-lower", "conv2d-same-upper", "conv2d-valid",
    "conv3d",
    "conv-grouped", "conv-constant-nodes", "conv-transpose",
  ])
  func extentsAreThoseOfTheRuntime(name: String) throws {
    let model = try ModelGraph(onnx: Vectors.path("\(name).onnx"))
    let layers = try model.layers()
    let input = try NPYFile(contentsOf: Vectors.path("\(name).input.npy")).tensor.shape
    let shapes = [model.inputs[0].name: input.extents]
    let extents = try #require(try model.extents(of: layers, inputShapes: shapes).first ?? nil)
    let output = try NPYFile(contentsOf: Vectors.path("\(name).output.npy")).tensor.shape
    #expect(extents.input == Array(input.extents.dropFirst(2)))
    #expect(extents.output == Array(output.extents.dropFirst(2)))
    #expect(extents.repetitions == input[0])
  }

  /// The extent behind a transposed convolution: input, kernel, stride, dilation, output_padding, and what ONNX Runtime
  /// 1.32 gives for padding SAME (upper and lower alike) and VALID.
  @Test(arguments: [
    ([9, 2, 3, 1, 0], 26, 26), ([9, 3, 2, 1, 0], 18, 19), ([9, 3, 3, 1, 0], 27, 27),
    ([5, 1, 4, 1, 0], 17, 17),
    ([9, 2, 4, 2, 0], 35, 35), ([9, 2, 3, 1, 1], 27, 27), ([9, 2, 4, 1, 2], 36, 36),
    ([9, 3, 2, 1, 1], 18, 20),
    ([9, 2, 5, 1, 4], 45, 46),
  ])
  func transposedConvolutionsArePaddedAsInTheRuntime(numbers: [Int], same: Int, valid: Int) throws {
    var model = try ModelGraph(onnx: Vectors.path("conv-transpose.onnx"))
    let layer = try #require(try model.layers().first)
    let weight = try #require(model.main.constants[layer.weight])
    let (inputs, outputs) = (weight.extents[0], weight.extents[1])
    model.main.constants[layer.weight] = Constant(
      name: layer.weight, Tensor<Float>(shape: [inputs, outputs, numbers[1], 1]), type: .float32)
    for (padding, expected) in [("SAME_UPPER", same), ("SAME_LOWER", same), ("VALID", valid)] {
      model.main.nodes[layer.node].attributes = [
        Attribute("kernel_shape", .ints([numbers[1], 1])), Attribute("strides", .ints([numbers[2], 1])),
        Attribute("dilations", .ints([numbers[3], 1])), Attribute("output_padding", .ints([numbers[4], 0])),
        Attribute("auto_pad", text: padding),
      ]
      let shapes = [model.inputs[0].name: [1, inputs, numbers[0], 6]]
      let extents = try model.extents(of: try model.layers(), inputShapes: shapes)
      #expect(extents.first??.output == [expected, 6], "\(padding)")
    }
  }

  @Test func aShapeForAnInputOverridesTheFiles() throws {
    let model = try ModelGraph(onnx: Vectors.example("mnist.onnx"))
    let layers = try model.layers()
    let one = try model.extents(of: layers)
    let five = try model.extents(of: layers, inputShapes: ["image": [5, 1, 28, 28]])
    #expect(one.map { $0?.repetitions } == layers.map { _ in 1 })
    #expect(five.map { $0?.repetitions } == layers.map { _ in 5 })
    #expect(throws: ModelError.self) { try model.extents(of: layers, inputShapes: ["other": [1]]) }
    #expect(throws: ModelError.self) { try model.extents(of: layers, inputShapes: ["image": [1]]) }
  }

  /// What a file says of a value behind a node that nobody knows holds for the file's own inputs alone.
  @Test func shapesOfTheFileAreForItsOwnInputs() throws {
    func value(_ name: String) -> ValueInfo {
      ValueInfo(name: name, type: .tensor(.float32, shape: [2, 4, 9, 9].map { .known($0) }))
    }
    var graph = Graph(
      nodes: [
        Node(opType: "Unheard", inputs: ["x"], outputs: ["v"]),
        Node(opType: "Conv", inputs: ["v", "w"], outputs: ["y"]),
      ],
      inputs: [value("x")], outputs: [ValueInfo(name: "y")])
    graph.valueInfo = [value("v")]
    graph.constants.append(Constant(name: "w", Tensor<Float>(shape: [5, 4, 3, 3]), type: .float32))
    let model = ModelGraph(
      path: "test", main: graph, operatorSets: [OperatorSet(version: 18)], formatVersion: 8)
    let layers = try model.layers()
    for shapes in [[:], ["x": [2, 4, 9, 9]]] as [[String: [Int]]] {
      #expect(try model.extents(of: layers, inputShapes: shapes).map { $0?.output } == [[7, 7]])
    }
    #expect(try model.extents(of: layers, inputShapes: ["x": [2, 4, 12, 9]]).map { $0?.output } == [nil])
  }
}
