#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Which file a path leads to, so that two paths to one file are seen to be equal: by links of either kind, `.` and `..`,
/// and also where the file is not there yet.
struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let node: UInt64
  /// Of a file that is not there yet its name in the folder, which the numbers then stand for.
  private let name: String?

  /// Nil for what cannot be written over: devices, pipes, folders, and files in folders that are missing.
  init?(path: String) {
    var status = stat()
    if stat(path, &status) == 0 {
      self.init(status, name: nil, kind: S_IFREG)
    } else {
      let name = path.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init) ?? ""
      guard !name.isEmpty, stat(FilePlace.directory(of: path), &status) == 0 else { return nil }
      self.init(status, name: name, kind: S_IFDIR)
    }
  }

  /// The file behind a descriptor; nil for devices, pipes and the like, and where the descriptor is closed.
  init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status, name: nil, kind: S_IFREG)
  }

  private init?(_ status: stat, name: String?, kind: mode_t) {
    guard status.st_mode & S_IFMT == kind else { return nil }
    device = UInt64(truncatingIfNeeded: status.st_dev)
    node = UInt64(truncatingIfNeeded: status.st_ino)
    self.name = name
  }
}
