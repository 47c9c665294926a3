import Foundation
import ONNX
import TensorFiles
import Tensors
import TestSupport
import Testing

@testable import ModelGraph

/// The vectors' makers write every attribute out, and others leave out those that hold the operator's default: a node
/// without them is the same layer.
@Suite struct DefaultAttributeTests {
  @Test(arguments: [
    "conv1d", "conv2d", "conv2d-1x1-strided", "conv2d-same-lower", "conv2d-same-upper", "conv2d-valid",
    "conv3d",
    "conv-grouped", "conv-transpose", "conv-bn", "gemm", "gemm-transb", "gemm-transa",
    "gemm-transa-transb-alpha-beta", "gemm-no-bias-alpha",
  ])
  func attributesOfDefaultValueMayBeLeftOut(name: String) throws {
    let model = try ModelGraph(onnx: Vectors.path("\(name).onnx"))
    var bare = model
    for place in model.main.nodes.indices {
      let op = model.main.nodes[place].opType
      bare.main.nodes[place].attributes.removeAll { Self.isDefault($0, of: op) }
    }
    let input = try NPYFile(contentsOf: Vectors.path("\(name).input.npy")).tensor.shape
    let shapes = [model.inputs[0].name: input.extents]
    let (layers, others) = try (model.layers(), bare.layers())
    let extents = try [(model, layers), (bare, others)].map { model, layers in
      try model.extents(of: layers, inputShapes: shapes).map {
        $0.map { [$0.input, $0.output, [$0.repetitions]] }
      }
    }
    #expect(extents[0] == extents[1])
    try #require(others.count == layers.count)
    for (layer, other) in zip(layers, others) {
      #expect(other.obstacle == nil)
      #expect(other.kernelIdentity == layer.kernelIdentity)
      #expect(try bare.kernel(of: other) == model.kernel(of: layer))
    }
  }

  /// A Gemm of a square matrix, whose extents do not tell whether it is transposed.
  @Test(arguments: [nil, 0, 1])
  func aSquareGemmIsTransposedWhereItSaysSo(transB: Int?) throws {
    var model = try ModelGraph(onnx: Vectors.path("gemm.onnx"))
    let place = try #require(model.main.nodes.firstIndex { $0.opType == "Gemm" })
    let stored = Tensor<Float>(shape: [3, 3], elements: (0..<9).map { Float($0) })
    let weight = model.main.nodes[place].inputs[1]
    model.main.constants[weight] = Constant(name: weight, stored, type: .float32)
    model.main.nodes[place].attributes = transB.map { [Attribute("transB", .int($0))] } ?? []
    let kernel = try model.kernel(of: try #require(try model.layers().first))
    #expect(kernel == (transB == 1 ? stored : stored.permuted([1, 0])))
  }

  /// Whether the attribute says what the operator does without it.
  private static func isDefault(_ attribute: Attribute, of op: String) -> Bool {
    switch (op, attribute.name, attribute.value) {
    case ("Gemm", "transA", .int(let value)), ("Gemm", "transB", .int(let value)): value == 0
    case ("Gemm", "alpha", .float(let value)), ("Gemm", "beta", .float(let value)): value == 1
    case (_, "group", .int(let value)): value == 1
    case (_, "strides", .ints(let values)), (_, "dilations", .ints(let values)): values.allSatisfy { $0 == 1 }
    case (_, "pads", .ints(let values)), (_, "output_padding", .ints(let values)):
      values.allSatisfy { $0 == 0 }
    case (_, "auto_pad", .string(let value)): value.bytesInMemory == Array("NOTSET".utf8)
    // The weight's extents tell.
    case ("Conv", "kernel_shape", _), ("ConvTranspose", "kernel_shape", _): true
    case ("BatchNormalization", "epsilon", .float(let value)): value == 1e-5
    default: false
    }
  }
}
