/// How long networks run against the clock.
struct TimingEffort: Hashable, Sendable {
  /// The runs of each network at least.
  let leastRounds: Int
  /// The seconds that each network runs at least, unless it has run `mostRounds` times.
  let seconds: Double
  /// The runs of each network at most.
  let mostRounds: Int

  /// For a network that was made for something else than time.
  static let glance = TimingEffort(leastRounds: 2, seconds: 0.1, mostRounds: 100)
  /// For many forms of which none matters much.
  static let survey = TimingEffort(leastRounds: 3, seconds: 0.08, mostRounds: 200)
  /// For a network that prices are corrected by.
  static let settle = TimingEffort(leastRounds: 5, seconds: 0.3, mostRounds: 1000)
  /// For the times that are reported.
  static let report = TimingEffort(leastRounds: 8, seconds: 0.6, mostRounds: 2000)

  /// Whether so many rounds that took each network so long are enough.
  func isEnough(rounds: Int, seconds spent: Double) -> Bool {
    rounds >= leastRounds && (spent >= seconds || rounds >= mostRounds)
  }
}
