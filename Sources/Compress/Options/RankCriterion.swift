/// How the ranks of one layer are chosen, on its own.
public enum RankCriterion: Hashable, Sendable, CustomStringConvertible {
  /// Each mode on its own retains this fraction of the energy, 0 to 1.
  case energy(Double)
  /// The cheapest ranks whose relative error is at most this.
  case error(Double)
  /// Each rank is this fraction of the full one, rounded up.
  case ranksRatio(Double)
  /// The least error at this fraction of the layer's multiplies.
  case macsRatio(Double)
  /// The least error at this fraction of the layer's weights.
  case paramsRatio(Double)
  /// Each mode keeps what variational Bayes finds to stand out of the noise, weakened: a factor of 1 takes its rank, a
  /// smaller one goes that part of the way from the full rank.
  case evbmf(Double)

  /// The criterion as on the command line.
  public var description: String {
    switch self {
    case .energy(let value): "energy \(value)"
    case .error(let value): "error \(value)"
    case .ranksRatio(let value): "ranks-ratio \(value)"
    case .macsRatio(let value): "macs-ratio \(value)"
    case .paramsRatio(let value): "params-ratio \(value)"
    case .evbmf(let value): "evbmf \(value)"
    }
  }
}
