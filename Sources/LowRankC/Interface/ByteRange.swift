internal import CLowRank

/// The addresses of a buffer, to see whether two share memory.
struct ByteRange {
  let start: UInt
  let end: UInt
  let name: String

  /// Throws where the buffer is empty or ends behind the address space.
  init(_ base: UnsafeRawPointer, count: Int, stride: Int, _ name: String) throws(Failure) {
    start = UInt(bitPattern: base)
    self.name = name
    let (bytes, overflow) = count.multipliedReportingOverflow(by: stride)
    // Counts are size_t: the upper half of them arrives as negative.
    guard count >= 0, !overflow, bytes <= Int(bitPattern: UInt.max >> 1 - start >> 1) else {
      throw Failure(LOWRANK_TOO_LARGE, "\(name) ends behind the address space")
    }
    guard count > 0 else { throw Failure(LOWRANK_SIZE_MISMATCH, "\(name) has no elements") }
    end = start + UInt(bytes)
  }

  /// Throws where two buffers share memory.
  func requireApart(from other: ByteRange) throws(Failure) {
    guard end <= other.start || other.end <= start else {
      throw Failure(LOWRANK_OVERLAP, "\(name) and \(other.name) share memory")
    }
  }
}
