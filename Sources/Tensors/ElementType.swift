/// How numbers are stored in files, little endian.
public enum ElementType: Hashable, Sendable, CaseIterable {
  /// IEEE half precision.
  case float16
  /// The upper half of an IEEE single.
  case bfloat16
  /// IEEE single precision.
  case float32
  /// IEEE double precision.
  case float64

  /// Bytes of one element.
  public var byteCount: Int {
    switch self {
    case .float16, .bfloat16: 2
    case .float32: 4
    case .float64: 8
    }
  }

  /// The name in messages, as NumPy spells it.
  public var name: String { "\(self)" }

  /// A number as it is after being stored in this type: rounded to nearest, ties to even.
  public func rounded(_ value: Float) -> Float {
    switch self {
    case .float16: Float(Float16(value))
    case .bfloat16: Float(bfloat16Bits: value.bfloat16Bits)
    case .float32, .float64: value
    }
  }
}

extension Float {
  /// The number whose upper half is given.
  public init(bfloat16Bits bits: UInt16) {
    self.init(bitPattern: UInt32(bits) << 16)
  }

  /// The upper half of the number, rounded to nearest, ties to even; NaN stays NaN.
  public var bfloat16Bits: UInt16 {
    if isNaN { return UInt16(truncatingIfNeeded: bitPattern >> 16) | 0x40 }
    let half = UInt32(0x7FFF) + (bitPattern >> 16 & 1)
    return UInt16(truncatingIfNeeded: (bitPattern &+ half) >> 16)
  }
}
