#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif
#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Files that appear together or not at all.
///
/// Each is written beside its place and renamed by `commit()`. What was not committed is gone with the transaction.
public struct FileTransaction: ~Copyable {
  private var files: [PartialFile] = []
  private var devices: [(path: String, content: FileContent)] = []
  private var roles = FileRoles()
  private var afterwards: [() -> Void] = []

  /// No file yet.
  public init() {}

  deinit {
    for file in files { file.close() }
  }

  /// Writes `data` beside `path`, to be renamed to `path` by `commit()`.
  ///
  /// A link is followed; a device or a pipe is written to as it is, when all is committed. An existing file keeps its
  /// permissions.
  ///
  /// **Throws** `FileError` where anything fails, or the transaction has that file already.
  public mutating func write(_ data: Data, to path: String) throws(FileError) {
    try write(to: path) { (descriptor) throws(FileError) in
      try FileWriter.write(data, to: descriptor, named: path)
    }
  }

  /// Writes `pieces`, one behind the other, in the same way; they may be parts of the file that is there now.
  ///
  /// **Throws** `FileError` also where a piece lies in a file that cannot be read.
  public mutating func write(_ pieces: [ByteView], to path: String) throws(FileError) {
    try write(to: path) { (descriptor) throws(FileError) in
      try FileWriter.write(pieces, to: descriptor, named: path)
    }
  }

  private mutating func write(to path: String, _ content: @escaping FileContent) throws(FileError) {
    switch try FilePlace(path) {
    case .device: devices.append((path, content))
    case .file(let target, let permissions):
      try roles.add(output: path, title: path)
      let file = try PartialFile(beside: target, named: path)
      files.append(file)
      try file.write(permissions: permissions, content)
    }
  }

  /// Writes `pieces` to what will be a new file at `path`, with the permissions of `sibling` if that is there.
  ///
  /// **Returns** false, with nothing done, where something has that name already.
  ///
  /// **Throws** `FileError` where anything fails; `commit()` does where something has got that name meanwhile.
  public mutating func create(
    _ pieces: [ByteView], at path: String, permissionsOf sibling: String
  ) throws(FileError) -> Bool {
    guard FilePlace.isFree(path) else { return false }
    try roles.add(output: path, title: path)
    let file = try PartialFile(beside: path, named: path, isNew: true)
    files.append(file)
    try file.write(permissions: FilePlace.permissions(of: sibling)) { (descriptor) throws(FileError) in
      try FileWriter.write(pieces, to: descriptor, named: path)
    }
    return true
  }

  /// Has `body` run once every file is in its place.
  public mutating func whenCommitted(_ body: @escaping () -> Void) { afterwards.append(body) }

  /// Writes to the devices and pipes; `commit()` does it where this did not.
  ///
  /// **Throws** `FileError` where one does not take all of it.
  public mutating func writeDevices() throws(FileError) {
    for (path, content) in devices {
      let descriptor = open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw .system(path, "cannot be written") }
      defer { close(descriptor) }
      try content(descriptor)
    }
    devices = []
  }

  /// Puts every file in its place, in the order they were written, devices first, since what they took cannot be taken
  /// back. A file outlasts a loss of power before the next one takes its place, so that one may refer to those before it.
  ///
  /// `beforePlacing` is called with the path of each file that is about to take its place; what it throws counts as a
  /// failure there.
  ///
  /// **Throws** `FileError` where anything fails; then every file is what it was before and nothing is left beside it.
  public mutating func commit(
    beforePlacing: (String) throws(FileError) -> Void = { _ in }
  ) throws(FileError) {
    try writeDevices()
    var replacements: [Replacement] = []
    do throws(FileError) {
      for file in files { try file.link() }
      for (index, file) in files.enumerated() {
        try beforePlacing(file.path)
        // Behind the last one nothing can fail that would ask for what was there before.
        replacements.append(try Replacement(by: file, keepsFormer: index < files.count - 1))
        FilePlace.synchronizeDirectory(of: file.target)
      }
    } catch {
      for replacement in replacements.reversed() { replacement.undo() }
      // Now, not with the transaction: a folder that was made for the files may be taken back before that.
      for file in files { file.close() }
      files = []
      throw error
    }
    for replacement in replacements { replacement.finish() }
    for file in files { file.close() }
    files = []
    for body in afterwards { body() }
    afterwards = []
  }
}

/// A file that was renamed to its place, with what was there before for as long as it may be wanted back.
private struct Replacement {
  private let target: String
  /// The name of what was there before; nil where nothing was, or it is not kept.
  private let former: String?

  init(by file: PartialFile, keepsFormer: Bool) throws(FileError) {
    target = file.target
    former = keepsFormer && !file.isNew ? try Self.keep(target, named: file.path) : nil
    guard file.moveToTarget() else {
      let error = FileError.system(file.path, "cannot be written")
      if former != nil { undo() }
      throw error
    }
  }

  /// Gives what is at `target` a second name; nil where there is nothing.
  private static func keep(_ target: String, named path: String) throws(FileError) -> String? {
    let former = PartialFile.name(beside: target)
    if link(target, former) == 0 { return former }
    if errno == ENOENT { return nil }
    // Some file systems have no second names, and some owners' files may not be given one.
    guard rename(target, former) == 0 else { throw .system(path, "cannot be written") }
    return former
  }

  /// Puts back what was there before.
  func undo() {
    guard let former else {
      unlink(target)
      return
    }
    rename(former, target)
    // Where both were names of one file the rename did nothing.
    unlink(former)
  }

  /// Lets go of what was there before.
  func finish() {
    if let former { unlink(former) }
  }
}
