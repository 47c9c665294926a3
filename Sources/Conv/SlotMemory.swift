import TensorCore

/// The part of a workspace that one slot of threads runs in, as plain addresses.
struct SlotMemory {
  let base: UnsafeMutableRawPointer

  subscript<E>(region: WorkspaceRegion<E>) -> UnsafeMutablePointer<E> {
    (base + region.byteOffset).assumingMemoryBound(to: E.self)
  }

  /// The piece of one thread.
  subscript<E>(pieces: WorkspacePieces<E>, part: Int) -> UnsafeMutablePointer<E> {
    self[pieces.region] + part * pieces.count
  }
}

/// A region of a workspace with a piece for each of the threads that share a slot.
struct WorkspacePieces<Element: BitwiseCopyable & Sendable>: Sendable {
  let region: WorkspaceRegion<Element>
  /// The elements of a piece.
  let count: Int
}

extension WorkspaceLayout {
  /// Adds a region of `parts` pieces that share no cache line.
  mutating func reserve<E: BitwiseCopyable & Sendable>(_ type: E.Type, parts: Int, count: Int)
    -> WorkspacePieces<E>
  {
    let padded = roundUp(count, to: max(1, 128 / MemoryLayout<E>.stride))
    return WorkspacePieces(region: reserve(type, count: parts * padded), count: padded)
  }
}
