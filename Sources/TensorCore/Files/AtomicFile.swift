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

/// Writes files so that nobody ever sees half of one.
public enum AtomicFile {
  /// Writes `data` to a file beside `path`, then renames it to `path`.
  ///
  /// A link is followed; a device or a pipe is written to as it is. An existing file keeps its permissions.
  ///
  /// **Throws** `FileError` where anything fails; then `path` is what it was before and nothing is left beside it.
  public static func write(_ data: Data, to path: String) throws(FileError) {
    try write(to: path) { (descriptor) throws(FileError) in
      try writeAll(data.count, path) { place, count in
        data.withUnsafeBytes { systemWrite(descriptor, $0, place, count) }
      }
    }
  }

  /// Writes `pieces`, one behind the other, in the same way; they may be parts of the file that is at `path` until then.
  ///
  /// **Throws** `FileError` where a piece cannot be read, or anything else fails, as above.
  ///
  /// **Complexity** what lies in other files goes through a buffer of 256 KiB.
  public static func write(_ pieces: [ByteView], to path: String) throws(FileError) {
    try write(to: path) { (descriptor) throws(FileError) in
      var buffer: [UInt8] = []
      func flush() throws(FileError) {
        try writeAll(buffer.count, path) { place, count in
          buffer.withUnsafeBytes { systemWrite(descriptor, $0, place, count) }
        }
        buffer.removeAll(keepingCapacity: true)
      }
      for piece in pieces {
        try piece.forEachChunk { (chunk) throws(FileError) in
          if buffer.count + chunk.count > ByteView.chunk { try flush() }
          buffer += chunk
        }
      }
      try flush()
    }
  }

  private static func write(
    to path: String, _ content: (_ descriptor: Int32) throws(FileError) -> Void
  ) throws(FileError) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      try replace(path, permissions: nil, named: path, content)
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: throw FileError(path: path, reason: "cannot be written: this is a directory")
    case S_IFREG:
      try replace(resolved(path), permissions: status.st_mode & 0o777, named: path, content)
    default:
      let descriptor = open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw .system(path, "cannot be written") }
      defer { close(descriptor) }
      try content(descriptor)
    }
  }

  /// Finds out, before long work, whether `path` will be writable; leaves nothing behind.
  ///
  /// **Throws** `FileError` where it is not.
  public static func requireWritable(_ path: String) throws(FileError) {
    guard !path.isEmpty else { throw FileError(path: path, reason: "an empty path cannot be written") }
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT != S_IFDIR else {
        throw FileError(path: path, reason: "cannot be written: this is a directory")
      }
      guard status.st_mode & S_IFMT == S_IFREG else { return }
    }
    let target = resolved(path)
    let partial = "\(target).partial-\(getpid())"
    let file = try PartialFile(partial, directory: directory(of: target), named: path)
    file.close()
    unlink(partial)
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private static func replace(
    _ target: String, permissions: mode_t?, named path: String,
    _ content: (_ descriptor: Int32) throws(FileError) -> Void
  ) throws(FileError) {
    let partial = "\(target).partial-\(getpid())"
    let file = try PartialFile(partial, directory: directory(of: target), named: path)
    defer { file.close() }
    do throws(FileError) {
      try content(file.descriptor)
      if let permissions { fchmod(file.descriptor, permissions) }
      guard fsync(file.descriptor) == 0, file.link() else {
        throw FileError.system(path, "cannot be written")
      }
      guard rename(partial, target) == 0 else { throw FileError.system(path, "cannot be written") }
    } catch {
      unlink(partial)
      throw error
    }
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Calls `write` with a place and a count until all bytes are written.
  private static func writeAll(
    _ count: Int, _ path: String, _ write: (_ place: Int, _ count: Int) -> Int
  ) throws(FileError) {
    var done = 0
    while done < count {
      let wrote = write(done, count - done)
      if wrote < 0 && errno == EINTR { continue }
      guard wrote > 0 else { throw .system(path, "cannot be written") }
      done += wrote
    }
  }
}

/// A file that is being written: without a name where the system can do that, so that it vanishes with the process.
private struct PartialFile {
  let descriptor: Int32
  private let name: String
  private let isNamed: Bool

  init(_ name: String, directory: String, named path: String) throws(FileError) {
    self.name = name
    #if canImport(Glibc)
      let unnamed = open(directory, Self.tmpFileFlag | O_WRONLY | O_CLOEXEC, 0o666)
    #else
      let unnamed: Int32 = -1
    #endif
    isNamed = unnamed < 0
    descriptor = isNamed ? open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666) : unnamed
    guard descriptor >= 0 else { throw .system(path, "cannot be written") }
  }

  /// Gives the file its name.
  func link() -> Bool {
    if isNamed { return true }
    unlink(name)
    return linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0
  }

  func close() { closeDescriptor(descriptor) }

  #if canImport(Glibc)
    /// Linux's `O_TMPFILE`, a macro that Swift does not import: its own bit and `O_DIRECTORY`'s, which differs between
    /// architectures.
    private static var tmpFileFlag: Int32 { 0o20_000_000 | O_DIRECTORY }
  #endif
}

private func closeDescriptor(_ descriptor: Int32) { close(descriptor) }

private func systemWrite(
  _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, _ place: Int, _ count: Int
) -> Int {
  // One call cannot move more than 2 GiB on Linux.
  write(descriptor, bytes.baseAddress.map { $0 + place }, min(count, 1 << 30))
}
