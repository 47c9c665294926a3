#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What a path leads to, for one that is to be written.
enum FilePlace {
  /// A regular file, or none yet: it is replaced by a rename. `target` is the path without links.
  case file(target: String, permissions: mode_t?)
  /// A device or a pipe, which is written to as it is.
  case device

  /// **Throws** `FileError` for an empty path, for directories, and for paths that can lead to no file.
  init(_ path: String) throws(FileError) {
    guard !path.isEmpty else { throw FileError(path: path, reason: "an empty path cannot be written") }
    var status = stat()
    guard stat(path, &status) == 0 else {
      guard errno == ENOENT else { throw .system(path, "cannot be written") }
      self = .file(target: path, permissions: nil)
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: throw FileError(path: path, reason: "cannot be written: this is a directory")
    case S_IFREG: self = .file(target: Self.resolved(path), permissions: status.st_mode & 0o777)
    default: self = .device
    }
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  /// Whether nothing has that name, a link that leads nowhere included.
  static func isFree(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) != 0
  }

  /// The permissions of a file; nil where there is none.
  static func permissions(of path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
  }

  /// Makes a new name outlast a loss of power. Some file systems cannot, and the file is there all the same.
  static func synchronizeDirectory(of path: String) {
    let descriptor = open(directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  /// The folder of a path.
  static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
