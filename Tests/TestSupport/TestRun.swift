import Foundation

/// How long the tests with generated cases run, and which cases they draw.
///
/// A short run draws the same cases every time. A long one, which `LOWRANK_TEST_ROUNDS` asks for by more rounds than a
/// short one has, draws others each time, by the clock; `LOWRANK_TEST_SEED` says which. Round i draws from seed + i, so that
/// the seed that a failure prints repeats it alone.
public enum TestRun {
  /// The rounds that a test of `short` rounds makes.
  public static func rounds(_ short: Int) -> Int { number("LOWRANK_TEST_ROUNDS").map(Int.init) ?? short }

  /// The seeds of a test's rounds.
  public static func seeds(short: Int) -> Range<UInt64> {
    let rounds = rounds(short)
    let first = number("LOWRANK_TEST_SEED") ?? (rounds > short ? clock : 100)
    return first..<(first + UInt64(rounds))
  }

  /// What to add to a failure's message, so that it can be repeated.
  public static func repeating(_ seed: UInt64) -> String {
    "repeat with LOWRANK_TEST_SEED=\(seed) LOWRANK_TEST_ROUNDS=1"
  }

  /// One number for the whole process: microseconds, with no others between the runs of a machine.
  private static let clock = UInt64(Date().timeIntervalSince1970 * 1e6)

  private static func number(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }.map { min($0, 1 << 62) }
  }
}
