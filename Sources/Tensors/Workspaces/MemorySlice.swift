/// A stretch of somebody else's memory: an operand of a kernel.
///
/// Kernels check their geometry against `count` before they touch an element. The memory has to outlive the slice.
package struct MemorySlice<Element: BitwiseCopyable>: @unchecked Sendable {
  // Sendable because it is an address alone; who runs kernels on it answers for their order.
  /// The first element.
  package let base: UnsafeMutablePointer<Element>
  /// The number of elements.
  package let count: Int

  /// The elements from an address on.
  package init(_ base: UnsafeMutablePointer<Element>, count: Int) {
    (self.base, self.count) = (base, count)
  }

  /// One element.
  ///
  /// **Traps** where the index is outside the slice.
  package subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count, "element \(index) of a slice of \(count)")
      return base[index]
    }
    nonmutating set {
      precondition(index >= 0 && index < count, "element \(index) of a slice of \(count)")
      base[index] = newValue
    }
  }

  /// Part of the slice.
  ///
  /// **Traps** where the range is not in the slice.
  package subscript(range: Range<Int>) -> MemorySlice {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) of a slice of \(count)")
    return MemorySlice(base + range.lowerBound, count: range.count)
  }

  /// Writes the same value everywhere.
  package func fill(_ value: Element) { base.update(repeating: value, count: count) }

  /// Copies the elements of a slice that does not overlap this one.
  ///
  /// **Traps** where the counts differ.
  package func copy(_ other: MemorySlice) {
    precondition(other.count == count, "\(other.count) elements for a slice of \(count)")
    base.update(from: other.base, count: count)
  }

  /// The elements, copied.
  package var elements: [Element] { Array(UnsafeBufferPointer(start: base, count: count)) }
}

extension Tensor {
  /// Lends the elements as an operand that is only read.
  package func withSlice<R, E: Error>(_ body: (MemorySlice<Element>) throws(E) -> R) throws(E) -> R {
    defer { withExtendedLifetime(storage) {} }
    return try body(MemorySlice(storage.base, count: count))
  }

  /// Lends the elements as an operand; copies them first where another tensor shares them.
  package mutating func withMutableSlice<R, E: Error>(
    _ body: (MemorySlice<Element>) throws(E) -> R
  ) throws(E) -> R {
    if !isKnownUniquelyReferenced(&storage) { storage = storage.copy() }
    defer { withExtendedLifetime(storage) {} }
    return try body(MemorySlice(storage.base, count: count))
  }
}
