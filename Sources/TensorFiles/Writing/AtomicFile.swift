#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Writes files so that nobody ever sees half of one.
public enum AtomicFile {
  /// Writes `data` to a file beside `path`, then renames it to `path`.
  ///
  /// A link is followed; a device or a pipe is written to as it is. An existing file keeps its permissions.
  ///
  /// **Throws** `FileError` where anything fails; then `path` is what it was before and nothing is left beside it.
  public static func write(_ data: Data, to path: String) throws(FileError) {
    var files = FileTransaction()
    try files.write(data, to: path)
    try files.commit()
  }

  /// Writes `pieces`, one behind the other, in the same way; they may be parts of the file that is at `path` until then.
  ///
  /// **Throws** `FileError` also where a piece lies in a file that cannot be read.
  public static func write(_ pieces: [ByteView], to path: String) throws(FileError) {
    var files = FileTransaction()
    try files.write(pieces, to: path)
    try files.commit()
  }

  /// The regular file that `path` leads to, links followed, or that it would become.
  ///
  /// **Returns** nil for devices, pipes and directories.
  public static func target(of path: String) -> String? {
    guard case .file(let target, _)? = try? FilePlace(path) else { return nil }
    return target
  }

  /// Finds out, before long work, whether `path` will be writable; leaves nothing behind.
  ///
  /// **Throws** `FileError` where it is not.
  public static func requireWritable(_ path: String) throws(FileError) {
    guard case .file(let target, _) = try FilePlace(path) else { return }
    try PartialFile(beside: target, named: path).close()
  }
}
