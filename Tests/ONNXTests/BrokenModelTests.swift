import Foundation
import ModelGraph
import TensorFiles
import Tensors
import TestSupport
import Testing

@testable import ONNX

@Suite struct BrokenModelTests {
  private func model(_ name: String) throws -> [UInt8] {
    try ByteView(ofFile: Vectors.path("\(name).onnx")).bytes()
  }

  @Test func filesThatAreNoModelsAreNamed() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("broken.onnx")
    let good = try model("conv2d")
    for data in [[], Array("not a model".utf8), Array(good.prefix(good.count / 2)), Array(good.prefix(40))] {
      try AtomicFile.write([ByteView(data)], to: path)
      #expect { try ModelGraph(onnx: path) } throws: { "\($0)".hasPrefix(path + ": ") }
    }
    #expect(throws: ModelError.self) { try ModelGraph(onnx: folder.path) }
    #expect(throws: ModelError.self) { try ModelGraph(onnx: folder.path("missing.onnx")) }
  }

  @Test func missingExternalDataIsNamed() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("model.onnx")
    try AtomicFile.write([ByteView(model("conv-external"))], to: path)
    #expect { try ModelGraph(onnx: path) } throws: {
      "\($0)".hasPrefix("\(path): tensor '") && "\($0)".contains(".bin")
    }
  }

  @Test(arguments: ["/etc/passwd", "../weights.bin", "a/../../b"])
  func externalDataOutsideTheFolderIsRefused(location: String) throws {
    let entries = [TextEntry(key: "location", value: location)]
    #expect {
      try ModelFiles(path: "model.onnx").elements(ofTensor: "x", at: entries, byteCount: nil)
    } throws: {
      "\($0)".contains("outside")
    }
  }

  /// A folder with conv-external.onnx, its data beside it, after a change to the first tensor that lies in them.
  private func changedExternalModel(
    _ folder: TemporaryFolder, extents: [Int]? = nil, keepsLength: Bool = true
  ) throws -> (path: String, tensor: String) {
    for name in ["conv-external.weights.bin", "conv-external.biases.bin"] {
      try AtomicFile.write([ByteView(ofFile: Vectors.path(name))], to: folder.path(name))
    }
    let tree = try WireTree(model("conv-external"))
    let tensor = try #require(tree.first("graph", "tensor"))
    let changed = tensor.replacing(1, with: extents).droppingLength(!keepsLength)
    let path = folder.path("model.onnx")
    try AtomicFile.write([ByteView(tree.replacingFirst("graph", "tensor", with: changed).bytes)], to: path)
    let name = try #require(try ModelGraph(onnx: Vectors.path("conv-external.onnx")).main.constants.first)
      .name
    return (path, name)
  }

  @Test(
    arguments: [
      [-1, 8, 3, 3], [.min], [-12, -8, 3, 3], [1 << 40, 1 << 40, 3, 3], [0, 1 << 62, 4], [12, 8, 3, 4],
      [12, 8, 3], [1 << 61], [],
    ] as [[Int]])
  func externalDataOfOtherExtentsAreRefused(extents: [Int]) throws {
    let folder = try TemporaryFolder()
    let (path, tensor) = try changedExternalModel(folder, extents: extents)
    #expect { try ModelGraph(onnx: path) } throws: {
      "\($0)".hasPrefix("\(path): tensor '\(tensor)': ") && "\($0)".contains("extents")
    }
  }

  /// Without a length, external data are as long as the extents say, whatever follows them.
  @Test func externalDataWithoutALengthEndWithTheirTensor() throws {
    let folder = try TemporaryFolder()
    let (path, _) = try changedExternalModel(folder, keepsLength: false)
    let weights = folder.path("conv-external.weights.bin")
    try AtomicFile.write(
      [ByteView(ofFile: weights), ByteView([UInt8](repeating: 0, count: 100))], to: weights)
    #expect(try ModelGraph(onnx: path) == ModelGraph(onnx: Vectors.path("conv-external.onnx")))
  }

  @Test(arguments: [[-1, 8, 3, 3], [1 << 40, 1 << 40], [12, 8, 3, 4], [0, 1 << 62, 4]] as [[Int]])
  func rawDataOfOtherExtentsAreRefused(extents: [Int]) throws {
    let tree = try WireTree(model("conv2d"))
    let tensor = try #require(tree.first("graph", "tensor")).replacing(1, with: extents)
    let bytes = ByteView(tree.replacingFirst("graph", "tensor", with: tensor).bytes)
    #expect { try ModelGraph(onnx: bytes, path: "m.onnx") } throws: { "\($0)".hasPrefix("m.onnx: tensor '") }
  }

  /// What a file says in two places, in two ways, or of the wrong kind.
  @Test func messagesThatCannotBeMeantAreErrors() throws {
    var twice = WireWriter()
    twice.append(ByteView(try model("conv2d")))
    twice.message(7, WireWriter())
    var text = WireWriter()
    text.bytes(14, ByteView([10, 2, 0xC3, 0x28]))
    var number = WireWriter()
    number.int(7, 1)
    var endless = WireWriter()
    endless.append(ByteView([0x08] + [UInt8](repeating: 0xFF, count: 11)))
    for (writer, reason) in [
      (twice, "twice"), (text, "not UTF-8"), (number, "wire type"), (endless, "64 bits"),
    ] {
      let bytes = ByteView(writer.pieces.flatMap { $0.bytesInMemory ?? [] })
      #expect { try ModelGraph(onnx: bytes, path: "m.onnx") } throws: {
        "\($0)".hasPrefix("m.onnx: ") && "\($0)".contains(reason)
      }
    }
  }

  /// A model whose node has a body, whose node has a body, and so on.
  private func nested(_ depth: Int) throws -> ModelGraph {
    var body = WireWriter()
    for _ in 0..<depth {
      var (attribute, node, outer) = (WireWriter(), WireWriter(), WireWriter())
      attribute.message(6, body)
      attribute.int(20, 5)
      node.string(4, "If")
      node.message(5, attribute)
      outer.message(1, node)
      body = outer
    }
    var (model, set) = (WireWriter(), WireWriter())
    model.int(1, 8)
    model.message(7, body)
    set.int(2, 17)
    model.message(8, set)
    return try ModelGraph(onnx: ByteView(model.pieces.flatMap { $0.bytesInMemory ?? [] }), path: "m.onnx")
  }

  /// As deep as protobuf's own parsers go, and beyond: an error, not the end of the stack.
  @Test func deepBodiesAreErrors() throws {
    let model = try nested(33)
    let copy = try WireWriter(model, WritingOptions(path: "", keepsUnchanged: false)).pieces
    #expect(
      try ModelGraph(onnx: ByteView(copy.flatMap { $0.bytesInMemory ?? [] }), path: "m.onnx") == model)
    for depth in [34, 5000] {
      #expect { try nested(depth) } throws: { "\($0)".contains("deep") }
    }
  }

  /// Ten thousand changed models: an error, or layers that can be asked for everything, and that can be written.
  @Test func changedBytesNeverTrap() throws {
    var generator = SeededGenerator(seed: 13)
    let originals = try ["conv2d", "conv-bn", "gemm-transa", "if-branches", "conv-ir3"].map(model)
    var read = 0
    for round in 0..<10_000 {
      var data = originals[round % originals.count]
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        data[Int.random(in: 0..<data.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      if round % 5 == 0 { data = Array(data.prefix(Int.random(in: 0..<data.count, using: &generator))) }
      guard let model = try? ModelGraph(onnx: ByteView(data), path: "changed.onnx") else { continue }
      read += 1
      let layers = try model.layers()
      _ = try? model.extents(of: layers)
      for layer in layers where layer.obstacle == nil { _ = try? model.kernel(of: layer) }
      let unchanged = try WireWriter(model, WritingOptions(path: "")).pieces
      #expect(try unchanged.flatMap { try $0.bytes() } == data)
      // Written anew it is the same model, but for numbers that are not equal to themselves.
      let anew = try WireWriter(model, WritingOptions(path: "", keepsUnchanged: false)).pieces
      _ = try ModelGraph(onnx: ByteView(try anew.flatMap { try $0.bytes() }), path: "anew.onnx")
    }
    #expect(read > 1000)
  }
}
