import Foundation
import TensorFiles
import Tensors
import TestSupport
import Testing

@testable import ONNX

/// The vectors' makers write every attribute out, and others leave out those that hold the operator's default: a node
/// without them is the same layer.
@Suite struct DefaultAttributeTests {
  @Test(arguments: NumericalRewriteTests.models)
  func attributesOfDefaultValueMayBeLeftOut(name: String) throws {
    let model = try ONNXModel(contentsOf: Vectors.path("\(name).onnx"))
    var bare = model
    for place in model.proto.graph.node.indices {
      let op = model.proto.graph.node[place].opType
      bare.proto.graph.node[place].attribute.removeAll { Self.isDefault($0, of: op) }
    }
    let input = try NPYFile(contentsOf: Vectors.path("\(name).input.npy")).tensor.shape
    let shapes = [model.inputs[0].name: input.extents]
    let (layers, others) = (model.layers(), bare.layers())
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
    var model = try ONNXModel(contentsOf: Vectors.path("gemm.onnx"))
    let place = try #require(model.proto.graph.node.firstIndex { $0.opType == "Gemm" })
    let stored = Tensor<Float>(shape: [3, 3], elements: (0..<9).map { Float($0) })
    let weight = model.proto.graph.node[place].input[1]
    model.proto.graph.initializer.removeAll { $0.name == weight }
    model.proto.graph.initializer.append(TensorProto(name: weight, stored, type: .float32))
    model.proto.graph.node[place].attribute = transB.map { [.int("transB", $0)] } ?? []
    let kernel = try model.kernel(of: try #require(model.layers().first))
    #expect(kernel == (transB == 1 ? stored : stored.permuted([1, 0])))
  }

  /// Whether the attribute says what the operator does without it.
  private static func isDefault(_ attribute: AttributeProto, of op: String) -> Bool {
    switch (op, attribute.name) {
    case ("Gemm", "transA"), ("Gemm", "transB"): attribute.i == 0
    case ("Gemm", "alpha"), ("Gemm", "beta"): attribute.f == 1
    case (_, "group"): attribute.i == 1
    case (_, "strides"), (_, "dilations"): attribute.ints.allSatisfy { $0 == 1 }
    case (_, "pads"), (_, "output_padding"): attribute.ints.allSatisfy { $0 == 0 }
    case (_, "auto_pad"): attribute.s == Data("NOTSET".utf8)
    // The weight's extents tell.
    case ("Conv", "kernel_shape"), ("ConvTranspose", "kernel_shape"): true
    case ("BatchNormalization", "epsilon"): attribute.f == 1e-5
    default: false
    }
  }
}
