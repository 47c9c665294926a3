internal import CLowRank
internal import Tensors

/// Lends a caller's memory to a run as a `Workspace`, which otherwise owns what it points to.
///
/// A `Workspace` is its size and its address. They are put where one would lie, and taken away again without its
/// `deinit`, which would free the caller's memory. `Workspace` itself is asked whether it reads them so.
enum BorrowedWorkspace {
  /// The boundary that a workspace begins on.
  static var alignment: Int { 64 }

  private struct Fields {
    let byteCount: Int
    let base: UnsafeMutableRawPointer
  }

  /// Runs `body` with a workspace in the given memory, from its first boundary on.
  static func with(
    _ memory: UnsafeMutableRawPointer, byteCount: Int, _ body: (inout Workspace) -> Void
  ) throws(Failure) {
    let base = memory.alignedUp(toMultipleOf: alignment)
    let fields = Fields(byteCount: byteCount - (base - memory), base: base)
    let fits = withUnsafeTemporaryAllocation(
      byteCount: MemoryLayout<Fields>.size, alignment: MemoryLayout<Fields>.alignment
    ) { raw -> Bool in
      guard let place = raw.baseAddress, MemoryLayout<Workspace>.size == MemoryLayout<Fields>.size else {
        return false
      }
      place.storeBytes(of: fields, as: Fields.self)
      let workspace = place.assumingMemoryBound(to: Workspace.self)
      guard workspace.pointee.byteCount == fields.byteCount,
        workspace.pointee.pointer(to: start) == UnsafeMutablePointer(base.assumingMemoryBound(to: UInt8.self))
      else { return false }
      body(&workspace.pointee)
      return true
    }
    guard fits else { throw Failure(LOWRANK_INTERNAL, "a workspace is not laid out as expected") }
  }

  /// The first byte of any workspace.
  private static let start: WorkspaceRegion<UInt8> = {
    var layout = WorkspaceLayout()
    return layout.reserve(UInt8.self, count: 1)
  }()
}
