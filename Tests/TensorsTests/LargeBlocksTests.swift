import Testing

@testable import Tensors

/// Blocks that are used again.
@Suite(.serialized) struct LargeBlocksTests {
  private static let bytes = 3 << 20

  private func address(of tensor: Tensor<Float>) -> UInt {
    tensor.withSpan { $0.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) } }
  }

  /// Three blocks dropped in a row come back, last first, and what they held is not taken for the new contents.
  @Test func whatIsDroppedIsUsedAgain() {
    LargeBlocks.keeping(8 * Self.bytes) {
      func dropped() -> [UInt] {
        let tensors = (1...3).map { Tensor<Float>(shape: [Self.bytes / 4], repeating: Float($0)) }
        return tensors.map { address(of: $0) }
      }
      let first = dropped()
      let again = (0..<3).map { _ in Tensor<Float>(shape: [Self.bytes / 4]) }
      #expect(Set(again.map { address(of: $0) }) == Set(first))
      for tensor in again { #expect(tensor.elements.allSatisfy { $0 == 0 }) }
    }
  }

  /// No more is kept than was asked for: of blocks of which one has room, the last.
  @Test func noMoreIsKeptThanAskedFor() {
    var kept = KeptBlocks()
    func taken(_ size: Int = Self.bytes) -> UnsafeMutableRawPointer? { kept.take(size, alignment: 64) }
    func isKept(_ block: UnsafeMutableRawPointer) -> Bool { kept.keep(block, Self.bytes) }
    kept.enter(Self.bytes + 1)
    let blocks = (0..<2).map { _ in UnsafeMutableRawPointer.allocate(byteCount: Self.bytes, alignment: 64) }
    #expect(blocks.map(isKept) == [true, true])
    #expect(taken(Self.bytes - 64) == nil)
    #expect(taken() == blocks[1])
    #expect(taken() == nil)
    #expect(isKept(blocks[1]))
    kept.leave(Self.bytes + 1)
    #expect(taken() == nil)
    let other = UnsafeMutableRawPointer.allocate(byteCount: Self.bytes, alignment: 64)
    #expect(!isKept(other))
    other.deallocate()
  }
}
