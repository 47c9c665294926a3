/// How much of a kernel is lost at each rank of one mode, or of one form.
public struct SpectrumCurve: Hashable, Codable, Sendable {
  /// What is cut off at the rank, a `Spectrum` by name: `mode1` (output channels, for `tucker2` and `channel`), `mode2`
  /// (input channels, for `tucker2` and `channel-mirrored`), or a form with a matrix or a search of its own.
  public var name: String
  /// The rank from which on nothing is saved.
  public var fullRank: Int
  /// Ranks, ascending, 256 at most. For forms that are searched those that were tried.
  public var ranks: [Int]
  /// `||K - K(rank)||² / ||K||²` at each of them: the relative energy remaining outside the rank.
  public var remaining: [Double]

  /// Puts a curve together.
  public init(name: String, fullRank: Int, ranks: [Int], remaining: [Double]) {
    self.name = name
    self.fullRank = fullRank
    self.ranks = ranks
    self.remaining = remaining
  }

  /// The curve of the best approximations of a matrix with these energies (squared singular values), descending.
  public init(name: String, energies: [Double]) {
    let mostRanks = 256
    let full = energies.count
    var tails = [Double](repeating: 0, count: full + 1)
    for index in energies.indices.reversed() { tails[index] = tails[index + 1] + energies[index] }
    let step = max(1, (full + mostRanks - 2) / (mostRanks - 1))
    let ranks = Array(stride(from: 0, to: full, by: step)) + [full]
    self.init(
      name: name, fullRank: full, ranks: ranks,
      remaining: ranks.map { tails[0] > 0 ? tails[$0] / tails[0] : 0 })
  }

  /// The curve of a whole whose parts, of the given energies, have these curves over the same ranks.
  public init(pooling parts: [Self], energies: [Double]) {
    self = parts[0]
    let total = energies.reduce(0, +)
    guard parts.count > 1, total > 0 else { return }
    remaining = ranks.indices.map { place in
      zip(parts, energies).reduce(0) { $0 + $1.0.remaining[place] * ($1.1 / total) }
    }
  }
}
