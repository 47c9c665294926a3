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
    let (descriptor, status) = try opened(path)
    defer { close(descriptor) }
    return try read(descriptor, count: Int(status.st_size), path)
  }

  /// Whether a regular file holds `pattern` somewhere, read piece by piece.
  ///
  /// **Throws** `FileError` as `bytes(ofFile:)` does.
  public static func file(_ path: String, contains pattern: [UInt8]) throws(FileError) -> Bool {
    let (descriptor, _) = try opened(path)
    defer { close(descriptor) }
    var piece = Data()
    while true {
      let more = try read(descriptor, count: 1 << 20, path)
      piece.append(more)
      if piece.contains(pattern) { return true }
      guard !more.isEmpty else { return false }
      // The pattern may begin at the end of this piece.
      piece = Data(piece.suffix(max(0, pattern.count - 1)))
    }
  }

  /// Whether a path is that of a regular file itself, not of a link to one.
  public static func isRegularFile(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// A descriptor of a regular file, and what the system knows of it.
  static func opened(_ path: String) throws(FileError) -> (descriptor: Int32, status: stat) {
    // Without O_NONBLOCK a pipe would be waited for before it is seen to be one.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system(path, "cannot be read") }
    do throws(FileError) {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw .system(path, "cannot be read") }
      guard status.st_mode & S_IFMT != S_IFDIR else {
        throw FileError(path: path, reason: "this is a directory, not a file")
      }
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw FileError(path: path, reason: "this is a device or a pipe, not a regular file")
      }
      return (descriptor, status)
    } catch {
      close(descriptor)
      throw error
    }
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

extension Data {
  fileprivate func contains(_ pattern: [UInt8]) -> Bool {
    guard let first = pattern.first else { return true }
    return withUnsafeBytes { bytes in
      var start = 0
      while let place = bytes[start...].firstIndex(of: first) {
        if bytes[place...].starts(with: pattern) { return true }
        start = place + 1
      }
      return false
    }
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
