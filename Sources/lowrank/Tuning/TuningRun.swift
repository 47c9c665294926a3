import Synchronization
import Tune

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A run of a tuner that Ctrl-C and SIGTERM end early, and that prints a line every few seconds.
struct TuningRun {
  private let tuner: Tuner
  private let prints: Bool
  private let clock = ContinuousClock()

  init(_ tuner: Tuner, prints: Bool) { (self.tuner, self.prints) = (tuner, prints) }

  /// The seconds between lines.
  private static var pause: Double { 3 }

  /// Runs; `note` is told of every evaluation.
  func result(_ note: (TuningProgress) -> Void) throws(TuneError) -> TuningResult {
    Interruption.begin()
    defer { Interruption.end() }
    var last: ContinuousClock.Instant?
    return try tuner.run { progress in
      note(progress)
      guard prints else { return }
      if let last, (clock.now - last).seconds < Self.pause, progress.step < progress.steps { return }
      last = clock.now
      ErrorOutput.print(progress.line)
    } stops: {
      Interruption.isWanted
    }
  }
}

/// Whether an end is wanted.
private let interrupted = Atomic<Bool>(false)

/// Ctrl-C, and what `mpirun` and batch systems send before they kill, taken as a wish to end.
private enum Interruption {
  private static let signals = [SIGINT, SIGTERM]

  static var isWanted: Bool { interrupted.load(ordering: .relaxed) }

  static func begin() {
    // Made before the handler needs it, which may do no more than store.
    interrupted.store(false, ordering: .relaxed)
    for number in signals { signal(number) { _ in interrupted.store(true, ordering: .relaxed) } }
  }

  static func end() { for number in signals { signal(number, SIG_DFL) } }
}

/// Lines that say how far long work has come, on standard error.
enum ErrorOutput {
  /// Prints a line; one that is not taken is no loss.
  static func print(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
