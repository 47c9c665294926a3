internal import CLowRank

/// A pointer that must not be null and must be aligned.
func required<T>(_ pointer: UnsafePointer<T>?, _ name: String) throws(Failure) -> UnsafePointer<T> {
  guard let pointer else { throw Failure(LOWRANK_NULL_ARGUMENT, "\(name) is null") }
  guard UInt(bitPattern: pointer) % UInt(MemoryLayout<T>.alignment) == 0 else {
    throw Failure(
      LOWRANK_MISALIGNED, "\(name) is not on a boundary of \(MemoryLayout<T>.alignment) bytes")
  }
  return pointer
}

/// A pointer to write to that must not be null and must be aligned.
func required<T>(
  _ pointer: UnsafeMutablePointer<T>?, _ name: String
) throws(Failure) -> UnsafeMutablePointer<T> {
  UnsafeMutablePointer(mutating: try required(UnsafePointer(pointer), name))
}

/// A buffer of at least one element.
func buffer<T>(
  _ pointer: UnsafePointer<T>?, count: Int, _ name: String
) throws(Failure) -> UnsafeBufferPointer<T> {
  let base = try required(pointer, name)
  _ = try ByteRange(UnsafeRawPointer(base), count: count, stride: MemoryLayout<T>.stride, name)
  return UnsafeBufferPointer(start: base, count: count)
}

/// A buffer of at least one element to write to.
func buffer<T>(
  _ pointer: UnsafeMutablePointer<T>?, count: Int, _ name: String
) throws(Failure) -> UnsafeMutableBufferPointer<T> {
  UnsafeMutableBufferPointer(mutating: try buffer(UnsafePointer(pointer), count: count, name))
}

/// Throws unless a buffer has the elements that the shapes ask for.
func requireCount(_ count: Int, _ expected: Int, _ name: String) throws(Failure) {
  guard count == expected else {
    throw Failure(
      LOWRANK_SIZE_MISMATCH, "\(name) has \(UInt(bitPattern: count)) elements, not \(expected)")
  }
}

/// A number out of a range that an `Int` holds.
func number<I: BinaryInteger>(
  _ value: I, in range: ClosedRange<Int>, _ name: String
) throws(Failure) -> Int {
  guard let number = Int(exactly: value), range.contains(number) else {
    throw Failure(
      LOWRANK_INVALID_ARGUMENT, "\(name) is \(value), not \(range.lowerBound) to \(range.upperBound)")
  }
  return number
}

/// A text of UTF-8 that is not too long.
func text(
  _ pointer: UnsafePointer<CChar>?, atMost limit: Int = 1024, _ name: String
) throws(Failure) -> String {
  let pointer = try required(pointer, name)
  guard let end = (0...limit).first(where: { pointer[$0] == 0 }) else {
    throw Failure(LOWRANK_INVALID_ARGUMENT, "\(name) is longer than \(limit) bytes")
  }
  let bytes = UnsafeBufferPointer(start: pointer, count: end)
  guard let text = String(validating: bytes.lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self) else {
    throw Failure(LOWRANK_INVALID_ARGUMENT, "\(name) is not UTF-8")
  }
  return text
}
