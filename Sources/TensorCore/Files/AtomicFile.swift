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
    var status = stat()
    guard stat(path, &status) == 0 else {
      try replace(path, with: data, permissions: nil, named: path)
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: throw FileError(path: path, reason: "cannot be written: this is a directory")
    case S_IFREG:
      try replace(resolved(path), with: data, permissions: status.st_mode & 0o777, named: path)
    default:
      let descriptor = open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw .system(path, "cannot be written") }
      defer { close(descriptor) }
      try writeAll(data, descriptor, path)
    }
  }

  /// Writes `data` to a new file, which appears whole or not at all, with the permissions of `sibling` if that is there.
  ///
  /// **Returns** false, with nothing done, where something has that name already.
  ///
  /// **Throws** `FileError` where anything fails; then nothing is left behind.
  public static func create(
    _ data: Data, at path: String, permissionsOf sibling: String
  ) throws(FileError) -> Bool {
    var status = stat()
    guard lstat(path, &status) != 0 else { return false }
    let permissions = stat(sibling, &status) == 0 ? status.st_mode & 0o777 : nil
    let file = try PartialFile("\(path).partial-\(getpid())", directory: directory(of: path), named: path)
    defer { file.close() }
    do throws(FileError) {
      try file.fill(data, permissions: permissions, named: path)
      let isNew = file.link(as: path)
      file.removeName()
      guard isNew || errno == EEXIST else { throw FileError.system(path, "cannot be written") }
      if isNew { synchronizeDirectory(of: path) }
      return isNew
    } catch {
      file.removeName()
      throw error
    }
  }

  /// The regular file that `path` leads to, links followed, or that it would become.
  ///
  /// **Returns** nil for devices, pipes and directories.
  public static func target(of path: String) -> String? {
    var status = stat()
    guard stat(path, &status) == 0 else { return path }
    return status.st_mode & S_IFMT == S_IFREG ? resolved(path) : nil
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
    _ target: String, with data: Data, permissions: mode_t?, named path: String
  ) throws(FileError) {
    let partial = "\(target).partial-\(getpid())"
    let file = try PartialFile(partial, directory: directory(of: target), named: path)
    defer { file.close() }
    do throws(FileError) {
      try file.fill(data, permissions: permissions, named: path)
      guard file.link(), rename(partial, target) == 0 else {
        throw FileError.system(path, "cannot be written")
      }
      synchronizeDirectory(of: target)
    } catch {
      file.removeName()
      throw error
    }
  }

  /// Makes a new name outlast a loss of power. Some file systems cannot, and the file is there all the same.
  private static func synchronizeDirectory(of path: String) {
    let descriptor = open(directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  fileprivate static func writeAll(_ data: Data, _ descriptor: Int32, _ path: String) throws(FileError) {
    var done = 0
    while done < data.count {
      let wrote = data.withUnsafeBytes { bytes in
        systemWrite(descriptor, bytes.baseAddress.map { $0 + done }, data.count - done)
      }
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

  /// Writes what is to be in the file.
  func fill(_ data: Data, permissions: mode_t?, named path: String) throws(FileError) {
    try AtomicFile.writeAll(data, descriptor, path)
    if let permissions { fchmod(descriptor, permissions) }
    guard fsync(descriptor) == 0 else { throw .system(path, "cannot be written") }
  }

  /// Gives the file its name as a part.
  func link() -> Bool {
    if isNamed { return true }
    unlink(name)
    return link(as: name)
  }

  /// Gives the file a name that nothing has yet.
  func link(as target: String) -> Bool {
    if isNamed {
      // Some file systems know no second names: there the part's own is changed.
      return systemLink(name, target) == 0 || errno != EEXIST && rename(name, target) == 0
    }
    return linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, target, AT_SYMLINK_FOLLOW) == 0
  }

  /// Takes the name as a part away again.
  func removeName() {
    let code = errno
    unlink(name)
    errno = code
  }

  func close() { closeDescriptor(descriptor) }

  #if canImport(Glibc)
    /// Linux's `O_TMPFILE`, a macro that Swift does not import: its own bit and `O_DIRECTORY`'s, which differs between
    /// architectures.
    private static var tmpFileFlag: Int32 { 0o20_000_000 | O_DIRECTORY }
  #endif
}

private func systemLink(_ name: String, _ target: String) -> Int32 { link(name, target) }

private func closeDescriptor(_ descriptor: Int32) { close(descriptor) }

private func systemWrite(_ descriptor: Int32, _ source: UnsafeRawPointer?, _ count: Int) -> Int {
  // One call cannot move more than 2 GiB on Linux.
  write(descriptor, source, min(count, 1 << 30))
}
