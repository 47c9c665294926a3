import Dispatch
import LinearAlgebra
import Synchronization

/// Runs `body` for each index of `order`, on several threads, each with BLAS on one thread, and gives the results by
/// place in `order`.
///
/// The indices are taken in the order given, so the longest work should come first. What `body` returns must depend
/// on the index alone: then so does the result, whatever the number of threads.
///
/// **Complexity** `threads` threads of the system's pool; the BLAS thread count is global to the process and is put
/// back at the end.
func inParallel<Result: Sendable>(
  _ order: [Int], threads: Int, finished: @Sendable (_ done: Int, _ index: Int) -> Void,
  _ body: @Sendable (Int) -> Result
) -> [Result] {
  let state = Mutex<(next: Int, done: Int, results: [Result?])>(
    (0, 0, [Result?](repeating: nil, count: order.count)))
  BLASLibrary.withThreads(1) {
    DispatchQueue.concurrentPerform(iterations: max(1, min(threads, order.count))) { _ in
      while true {
        let place = state.withLock { state in
          defer { state.next += 1 }
          return state.next
        }
        guard place < order.count else { return }
        let result = body(order[place])
        state.withLock { state in
          state.results[place] = result
          state.done += 1
          finished(state.done, order[place])
        }
      }
    }
  }
  return state.withLock { $0.results.compactMap { $0 } }
}
