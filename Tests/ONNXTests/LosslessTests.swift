import Foundation
import ModelGraph
import TensorFiles
import Tensors
import TestSupport
import Testing

@testable import ONNX

/// Reading and writing a model changes nothing.
@Suite struct LosslessTests {
  /// Every model of the tests and the example, but for those whose elements lie in files beside them.
  static let models: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: Vectors.path(""))) ?? []
    let vectors = names.filter { $0.hasSuffix(".onnx") && $0 != "conv-external.onnx" }.sorted()
    return vectors.map(Vectors.path) + [Vectors.example("mnist.onnx")]
  }()

  private func written(_ model: ModelGraph, keepsUnchanged: Bool = true) throws -> [UInt8] {
    let options = WritingOptions(path: model.path, keepsUnchanged: keepsUnchanged)
    return try WireWriter(model, options).pieces.flatMap { try $0.bytes() }
  }

  @Test(arguments: models)
  func anUnchangedModelIsWrittenByteForByte(path: String) throws {
    let folder = try TemporaryFolder()
    let count = try ModelGraph(onnx: path).saveONNX(to: folder.path("copy.onnx"))
    let copy = try ByteView(ofFile: folder.path("copy.onnx"))
    #expect(try copy == ByteView(ofFile: path))
    #expect(count == copy.count)
  }

  /// Written from what the model is, not from how the file wrote it, it holds the same fields. Elements come as raw
  /// bytes, however they were stored.
  @Test(arguments: models)
  func everyFieldIsWrittenAnew(path: String) throws {
    let model = try ModelGraph(onnx: path)
    let anew = try written(model, keepsUnchanged: false)
    let again = try ModelGraph(onnx: ByteView(anew), path: path)
    #expect(again == model)
    guard !path.contains("-data.onnx"), !path.contains("-double.onnx") else { return }
    let (before, after) = (try WireTree(ByteView(ofFile: path).bytes()), try WireTree(anew))
    #expect(after.sorted.bytes == before.sorted.bytes)
  }

  /// Whatever order the fields stand in, the model is the same, and is written in that order while nobody changes it.
  @Test(arguments: models)
  func theOrderOfFieldsIsKept(path: String) throws {
    var generator = SeededGenerator(seed: 21)
    let shuffled = try WireTree(ByteView(ofFile: path).bytes()).shuffled(using: &generator).bytes
    let model = try ModelGraph(onnx: ByteView(shuffled), path: path)
    #expect(try model == ModelGraph(onnx: path))
    #expect(try written(model) == shuffled)
  }

  /// What this package has no words for survives a change of what holds it; what nobody has changed stays to the byte.
  @Test(arguments: models)
  func unknownFieldsSurviveChanges(path: String) throws {
    let tree = try WireTree(ByteView(ofFile: path).bytes()).withUnknownFields()
    var model = try ModelGraph(onnx: ByteView(tree.bytes), path: path)
    #expect(try written(model) == tree.bytes)
    model.main.nodes[0].name += "'"
    model.main.name += "'"
    for place in model.main.valueInfo.indices { model.main.valueInfo[place].name += "'" }
    let constants = model.main.constants.map { $0.name }
    for name in constants { model.main.constants[name]?.extents.append(1) }
    let changed = try WireTree(written(model))
    #expect(changed.unknownFields == tree.unknownFields)
    #expect(try ModelGraph(onnx: ByteView(changed.bytes), path: path) == model)
  }

  /// Elements in files of their own come into the model.
  @Test func externalElementsAreKept() throws {
    let folder = try TemporaryFolder()
    let model = try ModelGraph(onnx: Vectors.path("conv-external.onnx"))
    #expect(model.externalFiles.count == 2)
    let count = try model.saveONNX(to: folder.path("copy.onnx"))
    let copy = try ModelGraph(onnx: folder.path("copy.onnx"))
    #expect(copy == model)
    #expect(copy.byteCount == count && copy.externalFiles.isEmpty)
    #expect(!copy.main.constants.contains { !$0.isWhole })
  }

  @Test func aModelCanBeSavedOverItself() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("model.onnx")
    try AtomicFile.write([ByteView(ofFile: Vectors.example("mnist.onnx"))], to: path)
    var model = try ModelGraph(onnx: path)
    model.setMetadata("key", "value")
    try model.saveONNX(to: path)
    #expect(try ModelGraph(onnx: path) == model)
    #expect(model.main.constants.contains { !$0.elements.isInMemory })
  }

  /// Where the file changes under the model, saving says so and leaves nothing behind.
  @Test func aFileThatIsCutOffMeanwhileIsAnError() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("model.onnx")
    try AtomicFile.write([ByteView(ofFile: Vectors.example("mnist.onnx"))], to: path)
    let model = try ModelGraph(onnx: path)
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.truncate(atOffset: 100_000)
    #expect { try model.saveONNX(to: folder.path("copy.onnx")) } throws: { "\($0)".hasPrefix(path + ": ") }
    #expect(try folder.names == ["model.onnx"])
  }
}

extension Constant.Elements {
  fileprivate var isInMemory: Bool {
    guard case .bytes(let bytes) = self else { return true }
    return bytes.isInMemory
  }
}
