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
  /// The bytes that keep regions apart.
  private let redZone: Int
  /// What lies before, between and behind the regions of a layout made with `init(redZone:)`, whose elements nobody
  /// reads or writes; empty in every other layout.
  package private(set) var redZones: [WorkspaceRegion<UInt8>] = []

  /// An empty layout.
  public init() { redZone = 0 }

  /// An empty layout for tests: at least `redZone` bytes, in `redZones`, lie before, between and behind the regions, so
  /// that a run which leaves its region is seen there instead of in the region of another.
  ///
  /// **Traps** where `redZone` is negative.
  package init(redZone: Int) {
    precondition(redZone >= 0, "a red zone of \(redZone) bytes")
    self.redZone = redZone
    guard redZone > 0 else { return }
    byteCount = (redZone + 63) & ~63
    redZones = [WorkspaceRegion(byteOffset: 0, count: byteCount)]
  }

  /// Adds a region of `count` elements.
  ///
  /// **Traps** where `count` is negative or the size overflows.
  public mutating func reserve<Element: BitwiseCopyable>(
    _ type: Element.Type, count: Int
  ) -> WorkspaceRegion<Element> {
    reserve(type, count: count, boundary: 64)
  }

  /// Adds a region of `count` elements that fills a multiple of `boundary` bytes, itself a multiple of 64.
  ///
  /// **Traps** where `count` is negative or the size overflows.
  package mutating func reserve<Element: BitwiseCopyable>(
    _ type: Element.Type, count: Int, boundary: Int
  ) -> WorkspaceRegion<Element> {
    precondition(count >= 0, "a workspace region of \(count) elements")
    let region = WorkspaceRegion<Element>(byteOffset: byteCount, count: count)
    let size = count * MemoryLayout<Element>.stride
    let end = byteCount + size
    byteCount += (size + redZone + boundary - 1) / boundary * boundary
    if redZone > 0 { redZones.append(WorkspaceRegion(byteOffset: end, count: byteCount - end)) }
    return region
  }

  /// Adds `copies` times all the regions of another layout, one behind the other; its red zones become this one's.
  package mutating func reserve(_ other: WorkspaceLayout, copies: Int) -> WorkspaceRegion<UInt8> {
    precondition(copies >= 0, "\(copies) copies of a layout")
    let region = WorkspaceRegion<UInt8>(byteOffset: byteCount, count: copies * other.byteCount)
    for copy in 0..<copies where !other.redZones.isEmpty {
      redZones += other.redZones.map {
        WorkspaceRegion(byteOffset: byteCount + copy * other.byteCount + $0.byteOffset, count: $0.count)
      }
    }
    byteCount += region.count
    return region
  }
}
