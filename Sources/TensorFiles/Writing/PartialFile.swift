#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Writes what is to be in a file.
typealias FileContent = (_ descriptor: Int32) throws(FileError) -> Void

/// A file that is being written beside its place: without a name where the system can do that, so that it vanishes with
/// the process.
struct PartialFile {
  /// Where the file will be.
  let target: String
  /// What the caller calls that place; names it in messages.
  let path: String
  /// Where it is until then.
  let name: String
  /// Whether nothing of that name may be there.
  let isNew: Bool
  private let descriptor: Int32
  private let isNamed: Bool

  /// Makes an empty file beside `target`.
  init(beside target: String, named path: String, isNew: Bool = false) throws(FileError) {
    self.target = target
    self.path = path
    self.isNew = isNew
    name = Self.name(beside: target)
    #if canImport(Glibc)
      let flags = Self.tmpFileFlag | O_WRONLY | O_CLOEXEC
      let unnamed = open(FilePlace.directory(of: target), flags, 0o666)
    #else
      let unnamed: Int32 = -1
    #endif
    isNamed = unnamed < 0
    descriptor = isNamed ? open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) : unnamed
    guard descriptor >= 0 else { throw .system(path, "cannot be written") }
  }

  /// A name beside a file that no other file has, whichever process or thread asks; short, as the file's own may be as
  /// long as names can be.
  static func name(beside target: String) -> String {
    "\(FilePlace.directory(of: target))/.lowrank.partial-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
  }

  /// Has `content` write to the file, down to the disk.
  func write(permissions: mode_t?, _ content: FileContent) throws(FileError) {
    try content(descriptor)
    if let permissions { fchmod(descriptor, permissions) }
    guard fsync(descriptor) == 0 else { throw .system(path, "cannot be written") }
  }

  /// Gives the file its name.
  func link() throws(FileError) {
    if isNamed { return }
    guard linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0 else {
      throw .system(path, "cannot be written")
    }
  }

  /// Gives the file its place; false, with `errno`, where that fails.
  func moveToTarget() -> Bool {
    guard isNew else { return rename(name, target) == 0 }
    if systemLink(name, target) == 0 { return unlink(name) == 0 }
    // Some file systems know no second names: there the file's own is changed.
    return errno != EEXIST && rename(name, target) == 0
  }

  /// Ends the work on the file; it is gone if it was not renamed.
  func close() {
    closeDescriptor(descriptor)
    unlink(name)
  }

  #if canImport(Glibc)
    /// Linux's `O_TMPFILE`, a macro that Swift does not import: its own bit and `O_DIRECTORY`'s, which differs between
    /// architectures.
    private static var tmpFileFlag: Int32 { 0o20_000_000 | O_DIRECTORY }
  #endif
}

private func systemLink(_ name: String, _ target: String) -> Int32 { link(name, target) }

private func closeDescriptor(_ descriptor: Int32) { close(descriptor) }
