/// Scratch memory for running plans, owned or borrowed, used by one run at a time.
///
/// Noncopyable, because two runs in the same memory would overwrite each other: each thread or task owns its own.
///
/// **Complexity** one allocation when made, none afterwards; none where it borrows.
public struct Workspace: ~Copyable, @unchecked Sendable {
  // Sendable because it alone uses its memory and cannot be copied.
  /// The size in bytes.
  public let byteCount: Int
  private let base: UnsafeMutableRawPointer
  private let isOwner: Bool

  /// The boundary that a workspace begins on: a multiple of what the vectors of any kernel ask for.
  public static var alignment: Int { 64 }

  /// A workspace of `byteCount` bytes on a 64-byte boundary; its contents are undefined.
  ///
  /// **Traps** where `byteCount` is negative.
  public init(byteCount: Int) {
    precondition(byteCount >= 0, "a workspace of \(byteCount) bytes")
    self.init(
      base: .allocate(byteCount: max(Self.alignment, byteCount), alignment: Self.alignment),
      byteCount: byteCount, isOwner: true)
  }

  /// A workspace in memory of somebody else's, from its first boundary on: a slice of an arena, or what a C program gave.
  ///
  /// The memory has to outlive the workspace, and nobody else may use it meanwhile; it is not freed. Up to `alignment` - 1
  /// bytes in front of the boundary are lost.
  public init(borrowing memory: UnsafeMutableRawBufferPointer) {
    guard let start = memory.baseAddress else {
      self.init(byteCount: 0)
      return
    }
    let base = start.alignedUp(toMultipleOf: Self.alignment)
    self.init(base: base, byteCount: max(0, memory.count - (base - start)), isOwner: false)
  }

  private init(base: UnsafeMutableRawPointer, byteCount: Int, isOwner: Bool) {
    (self.base, self.byteCount, self.isOwner) = (base, byteCount, isOwner)
  }

  /// A workspace that holds every region of `layout`.
  public init(_ layout: WorkspaceLayout) {
    self.init(byteCount: layout.byteCount)
  }

  deinit {
    if isOwner { base.deallocate() }
  }

  /// The memory of a region; valid while the workspace lives.
  ///
  /// **Traps** where the region ends behind the workspace: it was made for a smaller layout.
  package func pointer<Element>(to region: WorkspaceRegion<Element>) -> UnsafeMutablePointer<Element> {
    let end = region.byteOffset + region.count * MemoryLayout<Element>.stride
    precondition(end <= byteCount, "a workspace of \(byteCount) bytes, where at least \(end) are needed")
    return (base + region.byteOffset).bindMemory(to: Element.self, capacity: region.count)
  }
}
