import Dispatch
import Synchronization

/// Runs `body` for 0, 1, ... on several threads, and hands the results to `collect` in that order, whoever is done first: sums
/// of them do not depend on the number of threads.
///
/// **Throws** the error of the first index that has one.
///
/// **Complexity** at most as many results as threads wait for an earlier one on average; all of them at worst.
func inParallel<Result: Sendable>(
  _ count: Int, threads: Int, _ body: @Sendable (Int) throws(TuneError) -> Result,
  collect: (Result) -> Void
) throws(TuneError) {
  typealias Outcome = Swift.Result<Result, TuneError>
  let state = Mutex<(next: Int, outcomes: [Outcome?])>((0, [Outcome?](repeating: nil, count: count)))
  DispatchQueue.concurrentPerform(iterations: max(1, min(threads, count))) { _ in
    while true {
      let index = state.withLock { state in
        defer { state.next += 1 }
        return state.next
      }
      guard index < count else { return }
      let outcome: Outcome
      do throws(TuneError) { outcome = .success(try body(index)) } catch { outcome = .failure(error) }
      state.withLock { $0.outcomes[index] = outcome }
    }
  }
  for outcome in state.withLock({ $0.outcomes }) {
    if let outcome { collect(try outcome.get()) }
  }
}
