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
    try write(data.count, named: path) { place, count in
      data.withUnsafeBytes { systemWrite(descriptor, $0, place, count) }
    }
  }

  /// Writes `pieces`, one behind the other, in the same way.
  ///
  /// **Throws** `FileError` also where a piece lies in a file that cannot be read.
  ///
  /// **Complexity** what lies in other files goes through a buffer of 256 KiB.
  static func write(_ pieces: [ByteView], to descriptor: Int32, named path: String) throws(FileError) {
    var buffer: [UInt8] = []
    func flush() throws(FileError) {
      try write(buffer.count, named: path) { place, count in
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

  /// Calls `write` with a place and a number of bytes until all are written.
  private static func write(
    _ count: Int, named path: String, _ write: (_ place: Int, _ count: Int) -> Int
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

private func systemWrite(
  _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, _ place: Int, _ count: Int
) -> Int {
  // One call cannot move more than 2 GiB on Linux.
  write(descriptor, bytes.baseAddress.map { $0 + place }, min(count, 1 << 30))
}
