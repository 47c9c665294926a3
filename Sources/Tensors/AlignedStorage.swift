#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A block of elements on a 64-byte boundary, the cache line and the widest vector register of the machines we run on.
final class AlignedStorage<Element: BitwiseCopyable>: @unchecked Sendable {
  // Sendable because a `Tensor` only writes through storage that it alone refers to.
  static var alignment: Int { 64 }

  let base: UnsafeMutablePointer<Element>
  let count: Int
  private let byteCount: Int

  init(uninitializedCount count: Int) {
    precondition(count >= 0, "a storage of \(count) elements")
    let bytes = max(1, count * MemoryLayout<Element>.stride)
    let raw = LargeBlocks.allocate(byteCount: bytes, alignment: Self.alignment)
    raw.adviseLargePages(byteCount: bytes)
    byteCount = bytes
    self.base = raw.bindMemory(to: Element.self, capacity: max(1, count))
    self.count = count
  }

  deinit { LargeBlocks.release(base, byteCount: byteCount) }

  var buffer: UnsafeMutableBufferPointer<Element> { UnsafeMutableBufferPointer(start: base, count: count) }

  func copy() -> AlignedStorage {
    let other = AlignedStorage(uninitializedCount: count)
    other.base.update(from: base, count: count)
    return other
  }
}

extension UnsafeMutableRawPointer {
  /// Asks Linux for large pages where a block is of many: to be given the pages of a matrix one by one takes as long as
  /// multiplying it with a vector several times.
  ///
  /// A wish and no more: what the system does with it changes no result.
  fileprivate func adviseLargePages(byteCount: Int) {
    #if os(Linux)
      guard byteCount >= 8 << 20 else { return }
      let page = 1 << 12
      let start = (Int(bitPattern: self) + page - 1) / page * page
      let count = Int(bitPattern: self) + byteCount - start
      _ = madvise(UnsafeMutableRawPointer(bitPattern: start), count, Int32(MADV_HUGEPAGE))
    #endif
  }
}
