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

/// Reads whole files, and says in words what hinders it.
public enum FileReader {
  /// The bytes of a regular file.
  ///
  /// The file is read, not mapped: another program that shortens it meanwhile cannot crash this one.
  ///
  /// **Throws** `FileError` for files that are missing, unreadable, or not regular files (a directory, a device).
  public static func bytes(ofFile path: String) throws(FileError) -> Data {
    // Without O_NONBLOCK a pipe would be waited for before it is seen to be one.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system(path, "cannot be read") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(path, "cannot be read") }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      throw FileError(path: path, reason: "this is a directory, not a file")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileError(path: path, reason: "this is a device or a pipe, not a regular file")
    }
    return try read(descriptor, count: Int(status.st_size), path)
  }

  private static func read(_ descriptor: Int32, count: Int, _ path: String) throws(FileError) -> Data {
    var data = Data(count: count)
    var done = 0
    while done < count {
      let got = data.withUnsafeMutableBytes { bytes in
        systemRead(descriptor, bytes.baseAddress.map { $0 + done }, count - done)
      }
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw .system(path, "cannot be read") }
      guard got > 0 else { break }
      done += got
    }
    return done == count ? data : data.prefix(done)
  }
}

private func systemRead(_ descriptor: Int32, _ target: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  // One call cannot move more than 2 GiB on Linux.
  read(descriptor, target, min(count, 1 << 30))
}

extension FileError {
  /// An error out of `errno`.
  static func system(_ path: String, _ what: String) -> FileError {
    FileError(path: path, reason: "\(what): \(String(cString: strerror(errno)))")
  }
}
