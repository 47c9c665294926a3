import Conv
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
  let done = Mutex(0)
  return BLASLibrary.withThreads(1) {
    inParallel(order.count, threads: threads, into: [Result]()) { place in
      let result = body(order[place])
      done.withLock { done in
        done += 1
        finished(done, order[place])
      }
      return result
    } collect: {
      $0.append($1)
    }
  }
}
