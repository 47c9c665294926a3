internal import Dispatch
internal import Synchronization

/// Runs `body` for 0, 1, ... on several threads of the system's pool, and hands the results to `collect` in that order, whoever
/// is done first: what comes of them does not depend on the number of threads.
///
/// Indices are taken in order, so the longest work should come first where `held` lets it. At an error no more are begun.
///
/// **Throws** the error of the first index that has one.
///
/// **Complexity** at most `held` results, those of running bodies included, are there and not collected; with less than
/// `threads` of them not all threads have work.
package func inParallel<Result: Sendable, Sum: Sendable, Failure: Error>(
  _ count: Int, threads: Int, held: Int = .max, into sum: Sum,
  _ body: @Sendable (Int) throws(Failure) -> Result, collect: @Sendable (inout Sum, Result) -> Void
) throws(Failure) -> Sum {
  precondition(held > 0, "\(held) results to be held")
  let queue = Mutex(IndexQueue<Result, Sum, Failure>(sum))
  // Whoever begins takes one of these, which comes back as a result is collected: the first index that is missing has been
  // begun, so that nobody waits for ever.
  let free = DispatchSemaphore(value: max(1, min(held, count)))
  DispatchQueue.concurrentPerform(iterations: max(1, min(threads, count))) { _ in
    while true {
      free.wait()
      guard let index = queue.withLock({ $0.take(count) }) else { break }
      let outcome: Swift.Result<Result, Failure>
      do throws(Failure) { outcome = .success(try body(index)) } catch { outcome = .failure(error) }
      for _ in 0..<queue.withLock({ $0.give(outcome, of: index, collect) }) { free.signal() }
    }
    // The next one ends likewise.
    free.signal()
  }
  return try queue.withLock { queue in queue.outcome }.get()
}

/// The indices to be worked on, and what came of them.
private struct IndexQueue<Result: Sendable, Sum: Sendable, Failure: Error>: Sendable {
  private var next = 0
  private var collected = 0
  /// Results that an earlier one is missing for.
  private var waiting: [Int: Swift.Result<Result, Failure>] = [:]
  private var sum: Sum
  private var failure: Failure?
  private var hasFailed = false

  init(_ sum: Sum) { self.sum = sum }

  /// The sum, or the first error.
  var outcome: Swift.Result<Sum, Failure> { failure.map { .failure($0) } ?? .success(sum) }

  /// The next index; nil where there is none.
  mutating func take(_ count: Int) -> Int? {
    guard next < count, !hasFailed else { return nil }
    defer { next += 1 }
    return next
  }

  /// Takes a result, and collects those whose turn it is: so many.
  mutating func give(
    _ outcome: Swift.Result<Result, Failure>, of index: Int, _ collect: (inout Sum, Result) -> Void
  ) -> Int {
    waiting[index] = outcome
    if case .failure = outcome { hasFailed = true }
    let before = collected
    while let first = waiting.removeValue(forKey: collected) {
      collected += 1
      guard failure == nil else { continue }
      switch first {
      case .success(let result): collect(&sum, result)
      case .failure(let error): failure = error
      }
    }
    return collected - before
  }
}
