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

/// Writes all of some bytes, or says in words what hinders it.
public enum FileWriter {
  /// Writes `data` to an open file, a device or a pipe; `path` names it in messages.
  ///
  /// **Throws** `FileError` where not all of it was taken.
  public static func write(_ data: Data, to descriptor: Int32, named path: String) throws(FileError) {
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

private func systemWrite(_ descriptor: Int32, _ source: UnsafeRawPointer?, _ count: Int) -> Int {
  // One call cannot move more than 2 GiB on Linux.
  write(descriptor, source, min(count, 1 << 30))
}
