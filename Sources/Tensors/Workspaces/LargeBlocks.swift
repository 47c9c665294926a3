internal import Synchronization

/// Large blocks of memory that are used again instead of going back to the system, while somebody asks for it.
///
/// The system clears each page before it hands it out, which takes as long as copying it: work that makes and drops matrices
/// and maps of the same sizes over and over spends a fifth of its time so. A block is used again for one of the same size only,
/// and what it holds is as undefined as that of a new one.
package enum LargeBlocks {
  /// Smaller ones are the allocator's business.
  private static let leastBytes = 1 << 20
  /// What large blocks lie on while they are kept, so that one that a matrix has left does for an arena. At other times the system's
  /// allocator finds blocks of smaller alignment again, and makes those of pages anew.
  private static let page = 4096
  private static let kept = Mutex(KeptBlocks())

  /// Runs `body`, in which blocks of up to `bytes` together are kept when they are dropped, on whatever thread; they go back
  /// to the system at the end. Where several bodies run at the same time, the largest of their numbers holds.
  package static func keeping<R, E: Error>(_ bytes: Int, _ body: () throws(E) -> R) throws(E) -> R {
    kept.withLock { $0.enter(bytes) }
    defer { kept.withLock { $0.leave(bytes) } }
    return try body()
  }

  /// Memory of a size, which `release` takes back.
  static func allocate(byteCount: Int, alignment: Int) -> UnsafeMutableRawPointer {
    guard byteCount >= leastBytes else { return .allocate(byteCount: byteCount, alignment: alignment) }
    let (known, keeps) = kept.withLock { ($0.take(byteCount, alignment: alignment), $0.keeps) }
    return known ?? .allocate(byteCount: byteCount, alignment: keeps ? max(page, alignment) : alignment)
  }

  /// Takes memory back that `allocate` gave for as many bytes.
  static func release(_ block: UnsafeMutableRawPointer, byteCount: Int) {
    if byteCount >= leastBytes, kept.withLock({ $0.keep(block, byteCount) }) { return }
    block.deallocate()
  }
}

/// What is kept at the moment, the longest kept first.
struct KeptBlocks: @unchecked Sendable {
  // Sendable because nobody else knows a block that lies here.
  private var limits: [Int] = []
  private var blocks: [(address: UnsafeMutableRawPointer, byteCount: Int)] = []
  private var byteCount = 0

  mutating func enter(_ bytes: Int) { limits.append(bytes) }

  mutating func leave(_ bytes: Int) {
    if let place = limits.firstIndex(of: bytes) { limits.remove(at: place) }
    shrink()
  }

  /// Whether somebody asks for blocks to be kept.
  var keeps: Bool { !limits.isEmpty }

  mutating func take(_ size: Int, alignment: Int) -> UnsafeMutableRawPointer? {
    // The one dropped last is the likeliest to be in a cache.
    guard
      let place = blocks.lastIndex(where: {
        $0.byteCount == size && Int(bitPattern: $0.address) % alignment == 0
      })
    else { return nil }
    byteCount -= size
    return blocks.remove(at: place).address
  }

  mutating func keep(_ block: UnsafeMutableRawPointer, _ size: Int) -> Bool {
    guard let limit = limits.max(), size <= limit else { return false }
    blocks.append((block, size))
    byteCount += size
    shrink()
    return true
  }

  /// Gives back what is beyond the largest of the limits, all of it where there is none.
  private mutating func shrink() {
    let limit = limits.max() ?? 0
    var count = 0
    while byteCount > limit {
      byteCount -= blocks[count].byteCount
      blocks[count].address.deallocate()
      count += 1
    }
    blocks.removeFirst(count)
  }
}
