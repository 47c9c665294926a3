/// What a node behind a convolution does to each output channel by itself: `scale y + shift`.
struct ChannelAffine {
  /// The factors; nil where all are 1.
  let scale: [Float]?
  /// What is added; nil where all are 0.
  let shift: [Float]?

  init(scale: [Float], shift: [Float]) {
    (self.scale, self.shift) = (scale, shift)
  }

  /// That of an elementwise operation with a number for each channel; `isFirst` says whether the channel is the first operand.
  /// Nil for other operations, and where a quotient has no finite reciprocal.
  init?(_ opType: String, _ numbers: [Float], isFirst: Bool) {
    switch (opType, isFirst) {
    case ("Add", _): (scale, shift) = (nil, numbers)
    case ("Sub", true): (scale, shift) = (nil, numbers.map { -$0 })
    case ("Mul", _): (scale, shift) = (numbers, nil)
    case ("Div", true):
      let reciprocals = numbers.map { 1 / $0 }
      guard reciprocals.allSatisfy(\.isFinite) else { return nil }
      (scale, shift) = (reciprocals, nil)
    default: return nil
    }
  }

  /// Whether there is a number for each of so many channels.
  func fits(_ channels: Int) -> Bool {
    (scale?.count ?? channels) == channels && (shift?.count ?? channels) == channels
  }

  /// The bias that a convolution has after it; nil where it has none and gets none.
  func bias(_ bias: [Float]?) -> [Float]? {
    guard let bias else { return shift }
    let scaled = scale.map { zip(bias, $0).map { $0 * $1 } } ?? bias
    return shift.map { zip(scaled, $0).map { $0 + $1 } } ?? scaled
  }
}
