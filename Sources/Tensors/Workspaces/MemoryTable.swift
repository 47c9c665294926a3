/// A stretch of one of several blocks of memory, before the blocks are there.
package struct MemoryPlace: Hashable, Sendable {
  /// The block, by its number in a `MemoryTable`.
  package var block: Int
  /// Where in the block it begins.
  package var byteOffset: Int
  /// Its size.
  package var byteCount: Int

  /// A stretch of a block.
  package init(block: Int, byteOffset: Int, byteCount: Int) {
    (self.block, self.byteOffset, self.byteCount) = (block, byteOffset, byteCount)
  }
}

/// The blocks of memory that a run works in: what plans know by number.
///
/// **Complexity** looking up a place allocates nothing.
package final class MemoryTable {
  private var blocks: [MemorySlice<UInt8>]
  /// What a kernel found wrong with the elements that it was given, such as an index that there is no element at; it then
  /// did not do its work.
  package var fault: String?

  /// A table of so many blocks, none of which is there yet.
  package init(blocks count: Int) {
    blocks = [MemorySlice<UInt8>](repeating: nothing.slice(UInt8.self, byteOffset: 0, count: 0), count: count)
  }

  /// Where empty blocks begin.
  private let nothing = Arena(byteCount: 0)

  /// The number of blocks.
  package var count: Int { blocks.count }

  /// A block's memory, which has to outlive its use.
  package subscript(block: Int) -> MemorySlice<UInt8> {
    get { blocks[block] }
    set { blocks[block] = newValue }
  }

  /// The memory of a place.
  ///
  /// **Traps** where the block is too small, or the place is not on a boundary of the elements.
  package func slice<Element: BitwiseCopyable>(
    _ place: MemoryPlace, of type: Element.Type
  ) -> MemorySlice<Element> {
    let block = blocks[place.block]
    let size = MemoryLayout<Element>.stride
    precondition(
      place.byteOffset >= 0 && place.byteOffset + place.byteCount <= block.count
        && place.byteOffset % size == 0,
      "\(place) in a block of \(block.count) bytes")
    let base = UnsafeMutableRawPointer(block.base + place.byteOffset).assumingMemoryBound(to: type)
    return MemorySlice(base, count: place.byteCount / size)
  }
}

extension MemorySlice {
  /// The same memory as bytes.
  package var bytes: MemorySlice<UInt8> {
    let size = count * MemoryLayout<Element>.stride
    return MemorySlice<UInt8>(UnsafeMutableRawPointer(base).assumingMemoryBound(to: UInt8.self), count: size)
  }
}

extension MemorySlice<UInt8> {
  /// The same memory as other elements.
  ///
  /// **Traps** where it does not begin on a boundary of theirs.
  package func bound<Other: BitwiseCopyable>(to type: Other.Type) -> MemorySlice<Other> {
    let raw = UnsafeMutableRawPointer(base)
    precondition(
      Int(bitPattern: raw) % MemoryLayout<Other>.alignment == 0,
      "a slice that is not on a boundary of \(type)")
    return MemorySlice<Other>(
      raw.assumingMemoryBound(to: type), count: count / MemoryLayout<Other>.stride)
  }
}

extension Tensor {
  /// A copy of elements that lie row-major.
  ///
  /// **Traps** where there are not as many as the shape says.
  package init(copying elements: MemorySlice<Element>, shape: Shape) {
    self.init(shape: shape, elements: UnsafeBufferPointer(start: elements.base, count: elements.count))
  }
}
