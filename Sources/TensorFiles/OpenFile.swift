#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A regular file that stays open for reading as long as someone looks at its bytes.
///
/// The bytes are read where they are wanted and never mapped: a program that cuts the file off meanwhile causes an error
/// here, where a mapped page would end the process. A file that is replaced by renaming another one to its name keeps
/// its old bytes for whoever has it open.
final class OpenFile: Sendable {
  let path: String
  /// The size of the file when it was opened.
  let count: Int
  private let descriptor: Int32
  private let version: FileVersion

  /// **Throws** `FileError` for files that are missing, unreadable, or not regular files (a directory, a device).
  init(_ path: String) throws(FileError) {
    let (descriptor, status) = try FileReader.opened(path)
    self.path = path
    self.descriptor = descriptor
    count = Int(status.st_size)
    version = FileVersion(status)
  }

  /// A file that is open already, and closed with this; `path` names it in errors.
  init(_ descriptor: Int32, path: String) throws(FileError) {
    self.path = path
    self.descriptor = descriptor
    do throws(FileError) {
      let status = try Self.status(descriptor, path)
      count = Int(status.st_size)
      version = FileVersion(status)
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  /// The bytes of a part of the file.
  ///
  /// **Throws** `FileError` where they cannot be read, or where the file has been written to since it was opened.
  func read(_ range: Range<Int>) throws(FileError) -> [UInt8] {
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, done in
      while done < range.count && failure == nil {
        // One call cannot move more than 2 GiB on Linux.
        let most = min(range.count - done, 1 << 30)
        let got = pread(
          descriptor, buffer.baseAddress.map { $0 + done }, most, off_t(range.lowerBound + done))
        if got > 0 {
          done += got
        } else if got == 0 {
          failure = changed
        } else if errno != EINTR {
          failure = .system(path, "cannot be read")
        }
      }
    }
    if let failure { throw failure }
    guard FileVersion(try Self.status(descriptor, path)) == version else { throw changed }
    return bytes
  }

  private var changed: FileError {
    FileError(path: path, reason: "another program changed it while it was being read: start again")
  }

  private static func status(_ descriptor: Int32, _ path: String) throws(FileError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(path, "cannot be read") }
    return status
  }
}

/// What tells one state of a file from another.
private struct FileVersion: Equatable {
  let size: Int
  let seconds: Int
  let nanoseconds: Int

  init(_ status: stat) {
    size = Int(status.st_size)
    #if canImport(Darwin)
      let time = status.st_mtimespec
    #else
      let time = status.st_mtim
    #endif
    (seconds, nanoseconds) = (Int(time.tv_sec), Int(time.tv_nsec))
  }
}
