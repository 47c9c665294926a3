/// SplitMix64, the random numbers of starts, sketches, tests and benchmarks: the same for the same seed on every machine.
///
/// **Source** Steele, Lea and Flood, OOPSLA 2014.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A generator that begins at `seed`.
  public init(seed: UInt64) { state = seed }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number from -1 to 1.
  public mutating func symmetric() -> Double { Double(Int64(bitPattern: next())) * 0x1p-63 }

  /// A tensor of numbers from -1 to 1.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  public mutating func tensor<Element: Scalar>(
    _ shape: Shape, of: Element.Type = Element.self
  ) -> Tensor<Element> {
    var result = Tensor<Element>(shape: shape)
    result.withMutableSpan { span in
      for i in span.indices { span[i] = Element(symmetric()) }
    }
    return result
  }
}
