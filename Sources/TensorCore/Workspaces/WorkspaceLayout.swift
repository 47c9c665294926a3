/// A stretch of a workspace, handed out by a `WorkspaceLayout` and turned into memory by a `Workspace`.
public struct WorkspaceRegion<Element: BitwiseCopyable>: Hashable, Sendable {
  /// The distance from the start of the workspace, a multiple of 64.
  public let byteOffset: Int
  /// The number of elements.
  public let count: Int
}

/// The plan of a workspace: it sizes the block and hands out its parts, so that the two cannot drift apart.
///
/// **Complexity** every region begins on a 64-byte boundary, so each costs at most 63 bytes more than its elements.
public struct WorkspaceLayout: Hashable, Sendable {
  /// The size of a workspace that holds every region handed out so far.
  public private(set) var byteCount = 0

  /// An empty layout.
  public init() {}

  /// Adds a region of `count` elements.
  ///
  /// **Traps** where `count` is negative or the size overflows.
  public mutating func reserve<Element: BitwiseCopyable>(
    _ type: Element.Type, count: Int
  ) -> WorkspaceRegion<Element> {
    precondition(count >= 0, "a workspace region of \(count) elements")
    let region = WorkspaceRegion<Element>(byteOffset: byteCount, count: count)
    byteCount += (count * MemoryLayout<Element>.stride + 63) & ~63
    return region
  }
}
