import Foundation
import TensorFiles
import Tensors
import TestSupport
import Testing

@testable import ONNX

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
    let model = try ONNXModel(contentsOf: Vectors.path("\(name).onnx"))
    let layer = try #require(model.layers().first)
    #expect(layer.kernelShape == shape)
    #expect(layer.obstacle == nil)
    #expect(try model.kernel(of: layer).shape == shape)
  }

  @Test(arguments: [
    ("conv-double", "its weights are neither"), ("gemm-constant-left", "its weight is not constant"),
  ])
  func obstaclesAreNamed(name: String, obstacle: String) throws {
    let layer = try #require(try ONNXModel(contentsOf: Vectors.path("\(name).onnx")).layers().first)
    #expect(layer.obstacle?.hasPrefix(obstacle) == true)
  }

  /// Spatial extents before and after each layer, as ONNX Runtime has them: see NAME.input.npy and NAME.output.npy.
  @Test(arguments: [
    "conv1d", "conv2d", "conv2d-1x1-strided", "conv2d-same-lower", "conv2d-same-upper", "conv2d-valid",
    "conv3d",
    "conv-grouped", "conv-constant-nodes", "conv-transpose",
  ])
  func extentsAreThoseOfTheRuntime(name: String) throws {
    let model = try ONNXModel(contentsOf: Vectors.path("\(name).onnx"))
    let layers = model.layers()
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
    var model = try ONNXModel(contentsOf: Vectors.path("conv-transpose.onnx"))
    let node = try #require(model.layers().first).node
    let weight = try #require(
      model.proto.graph.initializer.firstIndex { $0.name == model.proto.graph.node[node].input[1] })
    let (inputs, outputs) = (
      model.proto.graph.initializer[weight].dims[0], model.proto.graph.initializer[weight].dims[1]
    )
    model.proto.graph.initializer[weight] = TensorProto(
      name: model.proto.graph.node[node].input[1],
      Tensor<Float>(shape: [Int(inputs), Int(outputs), numbers[1], 1]), type: .float32)
    for (padding, expected) in [("SAME_UPPER", same), ("SAME_LOWER", same), ("VALID", valid)] {
      model.proto.graph.node[node].attribute = [
        .ints("kernel_shape", [numbers[1], 1]), .ints("strides", [numbers[2], 1]),
        .ints("dilations", [numbers[3], 1]), .ints("output_padding", [numbers[4], 0]),
      ]
      var automatic = AttributeProto()
      (automatic.name, automatic.type, automatic.s) = ("auto_pad", 3, Data(padding.utf8))
      model.proto.graph.node[node].attribute.append(automatic)
      let shapes = [model.inputs[0].name: [1, Int(inputs), numbers[0], 6]]
      let extents = try model.extents(of: model.layers(), inputShapes: shapes)
      #expect(extents.first??.output == [expected, 6], "\(padding)")
    }
  }

  @Test func aShapeForAnInputOverridesTheFiles() throws {
    let model = try ONNXModel(contentsOf: Vectors.example("mnist.onnx"))
    let layers = model.layers()
    let one = try model.extents(of: layers)
    let five = try model.extents(of: layers, inputShapes: ["image": [5, 1, 28, 28]])
    #expect(one.map { $0?.repetitions } == layers.map { _ in 1 })
    #expect(five.map { $0?.repetitions } == layers.map { _ in 5 })
    #expect(throws: ONNXError.self) { try model.extents(of: layers, inputShapes: ["other": [1]]) }
    #expect(throws: ONNXError.self) { try model.extents(of: layers, inputShapes: ["image": [1]]) }
  }
}
