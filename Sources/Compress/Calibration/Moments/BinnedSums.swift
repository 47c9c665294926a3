import Tensors

/// Sums of many arrays of Doubles, element by element, that are the same to the bit in whatever order and grouping the arrays
/// are added, on one machine or on several.
///
/// Sums of Doubles depend on their order; sums of integers do not. So every number is cut at places that are the same for all
/// numbers, multiples of 36 binary digits,
///
///     x = d1 2^(36 b) + d2 2^(36 (b - 1)) + what is dropped,   |d1|, |d2| <= 2^35,
///
/// each digit rounded to nearest, ties to even, and the digits are added up as integers that Doubles hold exactly. Of all
/// digits only those of the two uppermost places are kept, b being that of the largest number of all arrays: as a digit does not
/// depend on where the cutting begins, what is kept does not depend on when that number came.
///
/// **Accuracy** each number to half of 2^-36 of the largest in its array at least, to 2^-54 on average.
///
/// **Complexity** two passes over an array that is added; two Doubles a sum.
///
/// **Source** Demmel and Nguyen, "Parallel reproducible summation", IEEE Trans. Computers 2015 (indexed sums, K = 2).
struct BinnedSums: Sendable, Equatable {
  /// Binary digits from one place to the next.
  private static let width = 36
  /// The places that numbers may have: 2^-720 to 2^755.
  static let bins = -20...20
  /// The arrays whose digits add up to integers that Doubles hold.
  static let mostTerms = 1 << 16
  /// The elements or positions that a sample may have, so that Doubles hold the number of all.
  static let mostElements = 1 << 37
  /// What one array adds to a digit at most.
  static let largestDigit = 0x1p35

  /// The place of the upper digits; nil where all numbers were 0.
  private(set) var bin: Int?
  /// Integers, in units of 2^(36 bin) and 2^(36 (bin - 1)).
  private(set) var upper: [Double]
  private(set) var lower: [Double]

  /// Sums of nothing.
  init(count: Int) {
    upper = [Double](repeating: 0, count: count)
    lower = upper
  }

  /// Sums from elsewhere, of `terms` arrays; nil where they are not of such.
  init?(bin: Int?, upper: [Double], lower: [Double], terms: Int) {
    let most = Double(terms) * Self.largestDigit
    let isSound = { (x: Double) in abs(x) <= most && x == x.rounded() }
    guard upper.count == lower.count, bin.map(Self.bins.contains) ?? true, upper.allSatisfy(isSound),
      lower.allSatisfy(isSound), bin != nil || (upper + lower).allSatisfy({ $0 == 0 })
    else { return nil }
    (self.bin, self.upper, self.lower) = (bin, upper, lower)
  }

  var count: Int { upper.count }

  /// Adds an array; false, with nothing done, where it holds numbers that are not finite, or too large to be meant.
  ///
  /// **Traps** where it is of another length.
  mutating func add(_ values: [Double]) -> Bool {
    precondition(values.count == count, "\(values.count) numbers added to \(count) sums")
    var largest = 0.0
    var isFinite = true
    for value in values {
      largest = max(largest, abs(value))
      isFinite = isFinite && value.isFinite
    }
    guard isFinite else { return false }
    guard largest > 0 else { return true }
    // The place at which the largest number has a digit of less than 2^35.
    let place = Int((Double(largest.exponent + 1) / Double(Self.width)).rounded(.down))
    guard place <= Self.bins.upperBound else { return false }
    raise(to: max(place, Self.bins.lowerBound))
    guard let bin else { return true }
    let units = (Self.unit(bin), Self.unit(bin - 1))
    let inverses = (1 / units.0, 1 / units.1)
    // Adding and taking off this rounds numbers under 2^51 to integers, ties to even.
    let shift = 0x1.8p52
    for i in values.indices {
      let first = (values[i] * inverses.0 + shift) - shift
      let rest = values[i] - first * units.0
      upper[i] += first
      lower[i] += (rest * inverses.1 + shift) - shift
    }
    return true
  }

  /// Adds the sums of other arrays.
  ///
  /// **Traps** where they are of another length.
  mutating func add(_ other: BinnedSums) {
    precondition(other.count == count, "\(other.count) sums added to \(count)")
    guard let place = other.bin else { return }
    raise(to: place)
    var other = other
    if let bin { other.raise(to: bin) }
    for i in upper.indices {
      upper[i] += other.upper[i]
      lower[i] += other.lower[i]
    }
  }

  /// Moves the digits to the places from `place` on, where those are higher.
  private mutating func raise(to place: Int) {
    guard let bin, bin < place else {
      self.bin = self.bin ?? place
      return
    }
    if place - bin == 1 { swap(&upper, &lower) }
    for i in upper.indices { upper[i] = 0 }
    if place - bin > 1 { for i in lower.indices { lower[i] = 0 } }
    self.bin = place
  }

  private static func unit(_ bin: Int) -> Double {
    Double(sign: .plus, exponent: width * bin, significand: 1)
  }

  /// The sums, each rounded once; infinite where they are beyond Double.
  var values: [Double] {
    let bin = bin ?? 0
    let units = (Self.unit(bin), Self.unit(bin - 1))
    return upper.indices.map { upper[$0] * units.0 + lower[$0] * units.1 }
  }
}
