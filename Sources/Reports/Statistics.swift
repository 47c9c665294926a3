#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A part of a number of trials that succeeded, with the interval that the true part lies in with 95 % confidence.
///
/// **Source** Wilson 1927: the score interval, which holds its confidence at parts near 0 and 1 as well.
package struct Proportion: Encodable, Equatable, Sendable {
  /// The trials that succeeded.
  package let count: Int
  /// All trials.
  package let of: Int
  /// `count / of`
  package let fraction: Double
  /// The lower end of the interval.
  package let low: Double
  /// The upper end of the interval.
  package let high: Double

  /// **Traps** unless `0 <= count <= of` and there is a trial.
  package init(_ count: Int, of trials: Int) {
    precondition(trials > 0 && (0...trials).contains(count), "\(count) of \(trials) trials")
    (self.count, of) = (count, trials)
    // The 97.5 % quantile of the normal distribution.
    let z = 1.959963984540054
    let (n, p) = (Double(trials), Double(count) / Double(trials))
    let center = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    fraction = p
    // At the ends the interval ends there too, which rounding would miss.
    low = count == 0 ? 0 : max(0, center - half)
    high = count == trials ? 1 : min(1, center + half)
  }
}

/// McNemar's exact test of whether two classifiers are right equally often, on the images that one of them has right and
/// the other wrong: the probability of a division as uneven as theirs, or more, if each such image fell to either by the
/// toss of a coin.
///
/// `p = min(1, 2 sum_{k <= min(b, c)} C(b + c, k) / 2^(b + c))`
///
/// **Accuracy** of terms by logarithms, about `n` epsilon relative for n = b + c.
///
/// **Source** McNemar 1947; the exact form is the two-sided sign test.
package func mcNemarTest(onlyFirst b: Int, onlySecond c: Int) -> Double {
  precondition(b >= 0 && c >= 0, "counts of \(b) and \(c)")
  let n = b + c
  var (term, sum) = (-Double(n) * log(2), 0.0)
  for k in 0...min(b, c) {
    sum += exp(term)
    term += log(Double(n - k)) - log(Double(k + 1))
  }
  return min(1, 2 * sum)
}
