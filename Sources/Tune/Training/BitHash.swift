import Tensors

/// A number that tells whether two states are the same, to the bit: the 64-bit hash of Fowler, Noll and Vo (FNV-1a), over bytes
/// of texts and over elements of tensors.
struct BitHash {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  private mutating func add(_ bits: UInt64) { value = (value ^ bits) &* 0x0000_0100_0000_01B3 }

  mutating func add(_ text: String) { for byte in text.utf8 { add(UInt64(byte)) } }

  mutating func add(_ tensor: Tensor<Float>) {
    tensor.withSpan { x in
      for i in 0..<x.count { add(UInt64(x[i].bitPattern)) }
    }
  }
}
