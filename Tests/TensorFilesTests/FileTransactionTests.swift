import Foundation
import TensorFiles
import TestSupport
import Testing

@Suite struct FileTransactionTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: folder.path(name), encoding: .utf8)
  }

  @Test func nothingIsSeenBeforeTheCommitAndNothingIsLeftWithoutOne() throws {
    try AtomicFile.write(Data("old".utf8), to: folder.path("a"))
    do {
      var files = FileTransaction()
      try files.write(Data("new".utf8), to: folder.path("a"))
      try files.write(Data("new".utf8), to: folder.path("b"))
      #expect(try text("a") == "old")
    }
    #expect(try text("a") == "old")
    #expect(try folder.names == ["a"])
    var files = FileTransaction()
    try files.write(Data("new".utf8), to: folder.path("a"))
    try files.write(Data("newer".utf8), to: folder.path("b"))
    try files.commit()
    #expect(try text("a") == "new" && text("b") == "newer")
    #expect(try folder.names == ["a", "b"])
  }

  /// The third place becomes a folder before the commit, so that its rename fails when two were done.
  @Test func whereOneFailsAllAreAsBefore() throws {
    try AtomicFile.write(Data("old".utf8), to: folder.path("a"))
    do {
      var files = FileTransaction()
      for name in ["a", "b", "c"] { try files.write(Data("new".utf8), to: folder.path(name)) }
      try FileManager.default.createDirectory(atPath: folder.path("c"), withIntermediateDirectories: false)
      var failure: FileError?
      do throws(FileError) { try files.commit() } catch { failure = error }
      #expect(failure?.path == folder.path("c"))
    }
    #expect(try text("a") == "old")
    #expect(try folder.names == ["a", "c"])
  }

  @Test func devicesThatTakeNothingKeepFilesFromAppearing() throws {
    do {
      var files = FileTransaction()
      try files.write(Data("new".utf8), to: folder.path("a"))
      try files.write(Data("new".utf8), to: "/dev/full")
      var failure: FileError?
      do throws(FileError) { try files.commit() } catch { failure = error }
      #expect(failure?.path == "/dev/full")
    }
    #expect(try folder.names == [])
  }

  @Test func oneFileIsNotWrittenTwice() throws {
    try AtomicFile.write(Data("old".utf8), to: folder.path("a"))
    try FileManager.default.linkItem(atPath: folder.path("a"), toPath: folder.path("b"))
    var files = FileTransaction()
    try files.write(Data("new".utf8), to: folder.path("a"))
    var failure: FileError?
    do throws(FileError) { try files.write(Data("new".utf8), to: folder.path("b")) } catch { failure = error }
    #expect(failure?.reason.contains(folder.path("a")) == true)
  }

  /// The permissions and the links of what is replaced stay.
  @Test func permissionsAndLinksStay() throws {
    try AtomicFile.write(Data("old".utf8), to: folder.path("a"))
    let manager = FileManager.default
    try manager.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.path("a"))
    try manager.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "a")
    var files = FileTransaction()
    try files.write(Data("new".utf8), to: folder.path("link"))
    try files.write(Data("new".utf8), to: folder.path("b"))
    try files.commit()
    let attributes = try manager.attributesOfItem(atPath: folder.path("a"))
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    #expect(try text("a") == "new")
    #expect(try manager.destinationOfSymbolicLink(atPath: folder.path("link")) == "a")
  }

  @Test func rolesKnowOneFileByAllItsNames() throws {
    try AtomicFile.write(Data("old".utf8), to: folder.path("a"))
    let manager = FileManager.default
    try manager.linkItem(atPath: folder.path("a"), toPath: folder.path("hard"))
    try manager.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "a")
    try manager.createSymbolicLink(atPath: folder.path("here"), withDestinationPath: ".")
    try manager.createDirectory(atPath: folder.path("sub"), withIntermediateDirectories: false)
    for other in ["a", "./a", "hard", "link", "here/a", "here/sub/../a", "/a"] {
      var roles = FileRoles()
      try roles.add(input: folder.path("a"), title: "the input")
      try roles.add(input: folder.path("a"), title: "the input again")
      #expect(throws: FileError.self, "\(other)") {
        try roles.add(output: "\(folder.path)/\(other)", title: "the output")
      }
    }
    // Not there yet.
    for other in ["new", "./new", "here/new"] {
      var roles = FileRoles()
      try roles.add(output: folder.path("new"), title: "one")
      try roles.add(output: folder.path("newer"), title: "another")
      #expect(throws: FileError.self, "\(other)") {
        try roles.add(output: "\(folder.path)/\(other)", title: "the same")
      }
      #expect(throws: FileError.self) { try roles.add(input: folder.path("newer"), title: "read") }
    }
    var roles = FileRoles()
    try roles.add(output: "/dev/null", title: "one")
    try roles.add(output: "/dev/null", title: "another")
  }
}
