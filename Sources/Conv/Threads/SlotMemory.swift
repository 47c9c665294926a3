import Tensors

/// The part of a workspace that one slot of threads runs in, as plain addresses.
struct SlotMemory {
  let base: UnsafeMutableRawPointer

  subscript<E>(region: WorkspaceRegion<E>) -> UnsafeMutablePointer<E> {
    (base + region.byteOffset).assumingMemoryBound(to: E.self)
  }

  /// The piece of one thread.
  subscript<E>(pieces: WorkspacePieces<E>, part: Int) -> UnsafeMutablePointer<E> {
    (base + pieces.byteOffset + part * pieces.byteStride).assumingMemoryBound(to: E.self)
  }
}

/// Regions of a workspace, one for each of the threads that share a slot.
struct WorkspacePieces<Element: BitwiseCopyable & Sendable>: Sendable {
  /// Where the first piece begins.
  let byteOffset: Int
  /// From one piece to the next.
  let byteStride: Int
}

extension WorkspaceLayout {
  /// Adds `parts` pieces of `count` elements that share no cache line.
  mutating func reserve<E: BitwiseCopyable & Sendable>(_ type: E.Type, parts: Int, count: Int)
    -> WorkspacePieces<E>
  {
    let start = byteCount
    // Processors fetch lines in pairs.
    for _ in 0..<parts { _ = reserve(type, count: count, boundary: 128) }
    return WorkspacePieces(byteOffset: start, byteStride: (byteCount - start) / max(1, parts))
  }
}
