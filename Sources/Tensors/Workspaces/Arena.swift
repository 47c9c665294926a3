/// One block of memory that the values of a network share, each where nobody else needs it.
///
/// **Complexity** one allocation when made; its contents are undefined.
package final class Arena: @unchecked Sendable {
  // Sendable because it only hands out addresses; who runs kernels on them answers for their order.
  /// The size in bytes.
  package let byteCount: Int
  private let base: UnsafeMutableRawPointer

  /// A block on a boundary of pages, so that the system can give it large ones.
  ///
  /// **Traps** where `byteCount` is negative.
  package init(byteCount: Int) {
    precondition(byteCount >= 0, "an arena of \(byteCount) bytes")
    self.byteCount = byteCount
    base = LargeBlocks.allocate(byteCount: max(64, byteCount), alignment: 4096)
  }

  deinit { LargeBlocks.release(base, byteCount: max(64, byteCount)) }

  /// A stretch of the block.
  ///
  /// **Traps** where it is not in the block, or not on a boundary of its elements.
  package func slice<Element: BitwiseCopyable>(
    _ type: Element.Type, byteOffset: Int, count: Int
  ) -> MemorySlice<Element> {
    let size = MemoryLayout<Element>.stride
    precondition(
      byteOffset >= 0 && count >= 0 && byteOffset % size == 0 && byteOffset + count * size <= byteCount,
      "\(count) elements at byte \(byteOffset) of an arena of \(byteCount) bytes")
    return MemorySlice((base + byteOffset).assumingMemoryBound(to: type), count: count)
  }
}
