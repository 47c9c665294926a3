import Tensors
import TestSupport
import Testing

@testable import Compress

@Suite struct BinnedSumsTests {
  /// Arrays of numbers over many sizes, with their zeros and signs.
  private static func arrays(_ count: Int, seed: UInt64, spread: Int) -> [[Double]] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      let scale = Double(
        sign: .plus, exponent: Int(generator.next() % UInt64(2 * spread + 1)) - spread, significand: 1)
      return generator.tensor([37], of: Double.self).elements.enumerated().map { place, x in
        place % 11 == 0 ? 0 : x * scale * (place % 5 == 0 ? 0x1p-40 : 1)
      }
    }
  }

  private static func require(_ isSo: Bool) { #expect(isSo) }

  /// Whatever the order and the grouping, the sums are the same to the bit: with Doubles they are not.
  @Test(arguments: [0, 3, 20, 60, 200])
  func sumsDoNotDependOnTheOrder(spread: Int) {
    let arrays = Self.arrays(50, seed: 3 + UInt64(spread), spread: spread)
    var whole = BinnedSums(count: 37)
    for array in arrays { Self.require(whole.add(array)) }
    var generator = SeededGenerator(seed: 8)
    var plain: Set<[Double]> = []
    for _ in 0..<20 {
      let order = arrays.shuffled(using: &generator)
      let cut = [0, Int(generator.next() % 25), 25 + Int(generator.next() % 25), 50]
      var parts = (0..<3).map { part in
        var sums = BinnedSums(count: 37)
        for array in order[cut[part]..<cut[part + 1]] { Self.require(sums.add(array)) }
        return sums
      }
      parts.shuffle(using: &generator)
      var merged = BinnedSums(count: 37)
      for part in parts { merged.add(part) }
      #expect(merged == whole)
      #expect(merged.values.map(\.bitPattern) == whole.values.map(\.bitPattern))
      plain.insert(order.reduce([Double](repeating: 0, count: 37)) { zip($0, $1).map(+) })
    }
    #expect(spread < 3 || plain.count > 1, "sums of Doubles happen to be equal: the test says nothing")
  }

  /// Each number is taken to 2^-36 of the largest of all at least.
  @Test(arguments: [0, 20, 60]) func sumsAreNear(spread: Int) {
    let arrays = Self.arrays(50, seed: 21, spread: spread)
    var sums = BinnedSums(count: 37)
    for array in arrays { Self.require(sums.add(array)) }
    let largest = arrays.joined().map(abs).max() ?? 0
    for (place, sum) in sums.values.enumerated() {
      let exact = arrays.map { $0[place] }.sorted { abs($0) < abs($1) }.reduce(0, +)
      // Half a unit of the lower digit a term, and the rounding of the sum that it is held against.
      #expect(abs(sum - exact) <= 50 * largest * 0x1p-36 + 50 * 50 * largest * 0x1p-53)
    }
  }

  @Test func integersAreExact() {
    var sums = BinnedSums(count: 3)
    Self.require(sums.add([1, -3, 0x1p34]))
    Self.require(sums.add([0x1p34, 5, -1]))
    #expect(sums.values == [1 + 0x1p34, 2, 0x1p34 - 1])
    #expect(BinnedSums(count: 2).values == [0, 0])
  }

  @Test func numbersBeyondReasonAreRefused() {
    var sums = BinnedSums(count: 2)
    for bad in [Double.nan, .infinity, -.infinity, 1e300] {
      let before = sums
      Self.require(!sums.add([1, bad]))
      #expect(sums == before)
    }
    Self.require(sums.add([1e-300, -.leastNonzeroMagnitude]))
    #expect(sums.values == [0, 0])
    #expect(BinnedSums(bin: 0, upper: [1], lower: [0.5], terms: 1) == nil)
    #expect(BinnedSums(bin: 0, upper: [.nan], lower: [0], terms: 1) == nil)
    #expect(BinnedSums(bin: 0, upper: [0x1p36], lower: [0], terms: 1) == nil)
    #expect(BinnedSums(bin: nil, upper: [1], lower: [0], terms: 1) == nil)
    #expect(BinnedSums(bin: 21, upper: [1], lower: [0], terms: 1) == nil)
    #expect(BinnedSums(bin: 0, upper: [0x1p36], lower: [-3], terms: 2) != nil)
  }
}
