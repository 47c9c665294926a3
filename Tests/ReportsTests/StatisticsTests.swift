import Reports
import Testing

@Suite struct StatisticsTests {
  /// The examples of Newcombe, Statistics in Medicine 17 (1998), table I, method 3, to their four digits.
  @Test(arguments: [
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718),
  ])
  func intervalsAreThoseOfTheLiterature(count: Int, trials: Int, low: Double, high: Double) {
    let part = Proportion(count, of: trials)
    #expect(abs(part.low - low) <= 0.5e-4 && abs(part.high - high) <= 0.5e-4, "\(part)")
    // Failures are as far from 1 as successes are from 0; of a sum of a few terms near 1, a few epsilon.
    let rest = Proportion(trials - count, of: trials)
    #expect(abs(1 - rest.high - part.low) <= 8 * .ulpOfOne && abs(1 - rest.low - part.high) <= 8 * .ulpOfOne)
  }

  @Test func intervalsEndWithinZeroAndOne() {
    for trials in [1, 2, 7, 1000, 1_000_000] {
      #expect(Proportion(0, of: trials).low == 0 && Proportion(trials, of: trials).high == 1)
      #expect(Proportion(trials, of: trials).low < 1 && Proportion(0, of: trials).high > 0)
    }
  }

  /// By exact fractions: `2 sum C(n, k) / 2^n` in Python's integers.
  @Test(arguments: [
    (0, 0, 1.0), (5, 5, 1.0), (0, 6, 0.03125), (6, 0, 0.03125), (1, 9, 0.021484375),
    (8, 23, 0.010673840530216694),
    (1000, 1100, 0.030720707864242296),
  ])
  func mcNemarsProbabilitiesAreExact(b: Int, c: Int, expected: Double) {
    // Logarithms of n terms, each off by half an epsilon of at most n log 2.
    let n = Double(b + c)
    #expect(abs(mcNemarTest(onlyFirst: b, onlySecond: c) - expected) <= (n * n + 4) * .ulpOfOne * expected)
  }

  @Test func manyImagesAreNoTrouble() {
    let p = mcNemarTest(onlyFirst: 500_000, onlySecond: 500_000)
    #expect(p == 1)
    #expect(mcNemarTest(onlyFirst: 0, onlySecond: 1_000_000) == 0)
  }
}
