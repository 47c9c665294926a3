import Foundation
import TensorFiles
import TestSupport
import Testing

@Suite struct AtomicFileTests {
  @Test func writingReplacesTheFileAndLeavesNothingBeside() throws {
    let folder = try TemporaryFolder()
    try AtomicFile.write(Data("one".utf8), to: folder.path("file"))
    try AtomicFile.requireWritable(folder.path("file"))
    try AtomicFile.requireWritable(folder.path("other"))
    try AtomicFile.write(Data("two".utf8), to: folder.path("file"))
    #expect(try FileReader.bytes(ofFile: folder.path("file")) == Data("two".utf8))
    #expect(try folder.names == ["file"])
  }

  @Test func linksAreFollowed() throws {
    let folder = try TemporaryFolder()
    try AtomicFile.write(Data("one".utf8), to: folder.path("file"))
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("link"), withDestinationPath: folder.path("file"))
    try AtomicFile.write(Data("two".utf8), to: folder.path("link"))
    #expect(try FileReader.bytes(ofFile: folder.path("file")) == Data("two".utf8))
  }

  @Test func placesThatCannotBeWrittenAreErrors() throws {
    let folder = try TemporaryFolder()
    for path in [
      folder.path, folder.path("missing/file"), folder.path(String(repeating: "x", count: 256)), "",
    ] {
      #expect(throws: FileError.self) { try AtomicFile.write(Data(), to: path) }
      #expect(throws: FileError.self) { try AtomicFile.requireWritable(path) }
    }
    #expect(try folder.names == [])
  }

  @Test func theLongestNamesCanBeWritten() throws {
    let folder = try TemporaryFolder()
    let name = String(repeating: "x", count: 255)
    try AtomicFile.write(Data("one".utf8), to: folder.path(name))
    #expect(try folder.names == [name])
  }

  @Test func placesThatCannotBeReadAreErrors() throws {
    let folder = try TemporaryFolder()
    for path in [folder.path, folder.path("missing"), "/dev/null", ""] {
      #expect { try FileReader.bytes(ofFile: path) } throws: { "\($0)".hasPrefix("\(path): ") }
    }
  }
}
