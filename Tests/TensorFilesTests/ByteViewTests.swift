import Foundation
import TensorFiles
import Tensors
import TestSupport
import Testing

@Suite struct ByteViewTests {
  /// More than two chunks, and not a whole number of them.
  private let bytes = (0..<600_001).map { UInt8(truncatingIfNeeded: $0 &* 31) }

  private func file(_ folder: TemporaryFolder) throws -> String {
    let path = folder.path("bytes")
    try AtomicFile.write([ByteView(bytes)], to: path)
    return path
  }

  @Test func partsOfFilesAndArraysAreTheSame() throws {
    let folder = try TemporaryFolder()
    let (array, file) = (ByteView(bytes), try ByteView(ofFile: file(folder)))
    #expect(array.isInMemory && !file.isInMemory)
    #expect(array == file && file == file)
    for range in [0..<0, 0..<600_001, 1..<2, 262_143..<262_145, 5..<600_000] {
      #expect(try file[range].bytes() == Array(bytes[range]))
      #expect(try array[range].bytes() == Array(bytes[range]))
      #expect(file[range] == array[range])
      #expect(try file[range][0..<(range.count / 2)].bytes() == Array(bytes[range].prefix(range.count / 2)))
      var joined: [UInt8] = []
      try file[range].forEachChunk { joined += $0 }
      #expect(joined == Array(bytes[range]))
    }
    #expect(file[0..<10] != file[1..<11])
    #expect(file[0..<10] != file[0..<11])
  }

  @Test func aFileThatIsReplacedStaysAsItWas() throws {
    let folder = try TemporaryFolder()
    let path = try file(folder)
    let view = try ByteView(ofFile: path)
    try AtomicFile.write([view[10..<20], view[0..<600_000]], to: path)
    #expect(try view.bytes() == bytes)
    #expect(try ByteView(ofFile: path).bytes() == Array(bytes[10..<20] + bytes[0..<600_000]))
  }

  @Test func aFileThatIsWrittenToIsAnError() throws {
    let folder = try TemporaryFolder()
    let path = try file(folder)
    let view = try ByteView(ofFile: path)
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try handle.truncate(atOffset: 300_000)
    #expect { try view.bytes() } throws: { "\($0)".contains("changed") }
    #expect(throws: FileError.self) { try view[0..<10].bytes() }
    #expect(throws: FileError.self) { try AtomicFile.write([view], to: folder.path("copy")) }
    #expect(try folder.names == ["bytes"])
    #expect(view != ByteView(bytes))
  }

  @Test func onlyRegularFilesAreViewed() throws {
    let folder = try TemporaryFolder()
    #expect(throws: FileError.self) { try ByteView(ofFile: folder.path) }
    #expect(throws: FileError.self) { try ByteView(ofFile: folder.path("missing")) }
    #expect(throws: FileError.self) { try ByteView(ofFile: "/dev/null") }
  }

  @Test(arguments: ElementType.allCases)
  func tensorsComeBack(type: ElementType) throws {
    var generator = SeededGenerator(seed: 3)
    // More than one chunk in every type.
    let tensor = Tensor<Float>.random([150, 1001], using: &generator)
    let rounded = Tensor<Float>(shape: tensor.shape, elements: tensor.elements.map(type.rounded))
    let folder = try TemporaryFolder()
    try AtomicFile.write([ByteView(tensor.bytes(as: type))], to: folder.path("tensor"))
    let view = try ByteView(ofFile: folder.path("tensor"))
    #expect(try Tensor(shape: tensor.shape, bytes: view, type: type) == rounded)
    #expect(try Tensor<Float>(shape: [150, 1000], bytes: view, type: type) == nil)
    #expect(try Tensor<Float>(shape: [1 << 62], bytes: view, type: type) == nil)
  }
}
