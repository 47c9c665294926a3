/// How long a run of a network may take.
public enum LatencyTarget: Hashable, Sendable {
  /// This part of what it takes as it is.
  case fraction(Double)
  /// So many milliseconds.
  case milliseconds(Double)

  /// The part of a time that is allowed, at most all of it.
  func fraction(of dense: Double) -> Double {
    switch self {
    case .fraction(let fraction): min(1, fraction)
    case .milliseconds(let ms): dense > 0 ? min(1, ms / dense) : 1
    }
  }
}

/// Where the milliseconds come from.
public enum LatencySource: Sendable {
  /// Timed here, forms that the cache knows apart.
  case timer(any NetworkTimer, cache: TimesCache)
  /// A table from elsewhere, as `lowrank profile` writes it: nothing is timed here.
  case table(TimeTable)
}
