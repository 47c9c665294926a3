import Foundation
import ModelGraph
import TensorFiles
import TestSupport
import Testing

@testable import ONNX
@testable import Tensors

/// Models whose weights go into a file of their own: at every moment the path holds the old model with its data or the
/// new one with its.
@Suite struct SaveTests {
  let folder: TemporaryFolder
  let path: String
  /// Two models of the same tensors with other numbers in them.
  let old: ModelGraph
  let new: ModelGraph

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path("out.onnx")
    old = try ModelGraph(onnx: Vectors.path("conv2d.onnx"))
    var changed = old
    for constant in old.main.constants {
      guard case .bytes(let bytes) = constant.elements else { continue }
      changed.main.constants[constant.name]?.elements = .bytes(ByteView(try bytes.bytes().map { $0 ^ 0x80 }))
    }
    new = changed
  }

  /// Saves with the large constants in a file of their own.
  @discardableResult
  private func save(
    _ model: ModelGraph, to path: String, beforePlacing: (String) throws(FileError) -> Void = { _ in }
  ) throws -> Int {
    var files = FileTransaction()
    let bytes = try model.save(to: path, in: &files, inlineLimit: 0)
    try files.commit(beforePlacing: beforePlacing)
    return bytes
  }

  private func isWhole(_ model: ModelGraph, at path: String) throws -> Bool {
    try ModelGraph(onnx: path) == model
  }

  @Test func largeWeightsLieBesideTheModel() throws {
    let count = try save(old, to: path)
    #expect(try folder.names == ["out.onnx", "out.onnx.data"])
    #expect(try isWhole(old, at: path))
    #expect(try ModelGraph(onnx: path).byteCount == count)
  }

  /// Each begins on a boundary of 4 KiB, so that it can be mapped.
  @Test func everyLargeWeightBeginsAPage() throws {
    var model = old
    let names = old.main.constants.map(\.name)
    for name in names {
      model.main.constants[name] = Constant(name: name, Tensor(shape: [300]), type: .float32)
    }
    #expect(names.count > 1)
    try save(model, to: path)
    #expect(try isWhole(model, at: path))
    let data = try FileReader.bytes(ofFile: path + ".data")
    #expect(data.count == (names.count - 1) * 4096 + 300 * 4)
  }

  /// Where no tensor is large enough to lie in a file of its own, there is none.
  @Test func smallTensorsAloneMakeNoFile() throws {
    var small = old
    for name in old.main.constants.map(\.name) {
      small.main.constants[name] = Constant(name: name, Tensor(shape: [255]), type: .float32)
    }
    try save(small, to: path)
    #expect(try folder.names == ["out.onnx"])
  }

  @Test func aFailureLeavesNothingWhereNothingWas() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    #expect(throws: (any Error).self) { try save(new, to: path) }
    #expect(try folder.names == ["out.onnx"])
  }

  /// What a crash before each file takes its place would leave is a pair that can be read.
  @Test func everyMomentHasAWholePair() throws {
    try save(old, to: path)
    var seen: [String] = []
    try save(new, to: path) { file in
      seen.append(file)
      #expect((try? isWhole(old, at: path)) == true, "\(file)")
    }
    #expect(seen == [path + ".data.2", path])
    #expect(try isWhole(new, at: path))
    #expect(try folder.names == ["out.onnx", "out.onnx.data.2"])
  }

  @Test func aFailureBeforeEachFileLeavesTheOldPairAndNothingElse() throws {
    try save(old, to: path)
    for place in [path + ".data.2", path] {
      #expect(throws: FileError.self) {
        try save(new, to: path) { file throws(FileError) in
          if file == place { throw FileError(path: path, reason: "injected") }
        }
      }
      #expect(try isWhole(old, at: path), "\(place)")
      #expect(try folder.names == ["out.onnx", "out.onnx.data"], "\(place)")
    }
  }

  /// Somebody else takes the name of the data file before it has its place: nothing of theirs is lost.
  @Test func aNameThatIsTakenMeanwhileIsAnError() throws {
    let theirs = Data("not ours".utf8)
    do {
      var files = FileTransaction()
      _ = try old.save(to: path, in: &files, inlineLimit: 0)
      try AtomicFile.write(theirs, to: folder.path("out.onnx.data"))
      var failure: FileError?
      do throws(FileError) { try files.commit() } catch { failure = error }
      #expect(failure?.path == folder.path("out.onnx.data"))
    }
    #expect(try folder.names == ["out.onnx.data"])
    #expect(try FileReader.bytes(ofFile: folder.path("out.onnx.data")) == theirs)
  }

  @Test func theDataHaveTheModelsPermissions() throws {
    try old.saveONNX(to: path)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    try save(new, to: path)
    for name in try folder.names {
      let attributes = try FileManager.default.attributesOfItem(atPath: folder.path(name))
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(name)")
    }
  }

  /// Also the model's own file, whose data it was read from.
  @Test func savingOverAPairReplacesBoth() throws {
    try save(old, to: path)
    for round in 0..<3 {
      var model = try ModelGraph(onnx: path)
      model.main.constants = round % 2 == 0 ? new.main.constants : old.main.constants
      try save(model, to: path)
      #expect(try isWhole(round % 2 == 0 ? new : old, at: path))
      #expect(try folder.names.count == 2)
    }
    try new.saveONNX(to: path)
    #expect(try isWhole(new, at: path))
    #expect(try folder.names == ["out.onnx"])
  }

  @Test func filesOfOthersStay() throws {
    let junk = Data("not ours".utf8)
    try AtomicFile.write(junk, to: folder.path("out.onnx.data"))
    try save(old, to: path)
    try save(new, to: path)
    #expect(try FileReader.bytes(ofFile: folder.path("out.onnx.data")) == junk)
    #expect(try isWhole(new, at: path))
  }

  /// A copy of the old model still needs the old data.
  @Test func dataThatACopyRefersToStay() throws {
    try save(old, to: path)
    try FileManager.default.copyItem(atPath: path, toPath: folder.path("out.onnx.bak"))
    try save(new, to: path)
    #expect(try isWhole(new, at: path))
    #expect(try isWhole(old, at: folder.path("out.onnx.bak")))
  }

  /// Through a link into another folder, the data go beside the real file, and are found from both.
  @Test func linksAreFollowed() throws {
    let real = folder.path("real")
    try FileManager.default.createDirectory(atPath: real, withIntermediateDirectories: false)
    try save(old, to: real + "/model.onnx")
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "real/model.onnx")
    try save(new, to: path)
    #expect(try isWhole(new, at: path))
    #expect(try isWhole(new, at: real + "/model.onnx"))
    #expect(try folder.names == ["out.onnx", "real"])
  }

  @Test func devicesTakeNoPair() throws {
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/null")
    #expect(throws: (any Error).self) { try save(old, to: path) }
    #expect(try folder.names == ["out.onnx"])
  }
}
