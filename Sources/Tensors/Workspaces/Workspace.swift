/// Scratch memory for running plans: allocated once, used by one run at a time.
///
/// Noncopyable, because two runs in the same memory would overwrite each other: each thread or task owns its own.
///
/// **Complexity** one allocation when made, none afterwards.
public struct Workspace: ~Copyable, @unchecked Sendable {
  // Sendable because it alone owns its memory and cannot be copied.
  /// The size in bytes.
  public let byteCount: Int
  private let base: UnsafeMutableRawPointer

  /// A workspace of `byteCount` bytes on a 64-byte boundary; its contents are undefined.
  ///
  /// **Traps** where `byteCount` is negative.
  public init(byteCount: Int) {
    precondition(byteCount >= 0, "a workspace of \(byteCount) bytes")
    self.byteCount = byteCount
    base = .allocate(byteCount: max(64, byteCount), alignment: 64)
  }

  /// A workspace that holds every region of `layout`.
  public init(_ layout: WorkspaceLayout) {
    self.init(byteCount: layout.byteCount)
  }

  deinit { base.deallocate() }

  /// The memory of a region; valid while the workspace lives.
  ///
  /// **Traps** where the region ends behind the workspace: it was made for a smaller layout.
  package func pointer<Element>(to region: WorkspaceRegion<Element>) -> UnsafeMutablePointer<Element> {
    let end = region.byteOffset + region.count * MemoryLayout<Element>.stride
    precondition(end <= byteCount, "a workspace of \(byteCount) bytes, where at least \(end) are needed")
    return (base + region.byteOffset).bindMemory(to: Element.self, capacity: region.count)
  }
}
