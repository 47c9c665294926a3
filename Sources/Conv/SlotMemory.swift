import TensorCore

/// The part of a workspace that one thread runs in, as plain addresses.
struct SlotMemory {
  let base: UnsafeMutableRawPointer

  subscript<E>(region: WorkspaceRegion<E>) -> UnsafeMutablePointer<E> {
    (base + region.byteOffset).assumingMemoryBound(to: E.self)
  }
}
