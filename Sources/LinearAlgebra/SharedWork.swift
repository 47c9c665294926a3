import Dispatch
internal import Synchronization

/// Lets single products, factors and triangles of large matrices be shared out to threads.
///
/// Each is cut into pieces of a fixed size, whatever the threads. Shared out, each piece is computed with BLAS on one thread, so
/// within `BLASLibrary.withThreads(1)`, as decompositions are computed, results are the same to the bit however many threads
/// there are. What runs several pieces of work at a time already leaves this at 1.
public enum SharedWork {
  @TaskLocal private static var threads = 1

  /// Runs `body`, whose large products may take so many threads. Threads that `body` starts itself have one each.
  ///
  /// **Traps** where `count` is not positive.
  public static func withThreads<R, E: Error>(_ count: Int, _ body: () throws(E) -> R) throws(E) -> R {
    precondition(count > 0, "\(count) threads")
    let result = $threads.withValue(count) { () -> Result<R, E> in
      do throws(E) { return .success(try body()) } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// Pieces of a product in rows or columns; a core's share of 4,608 of them is nine.
  static let panel = 256

  /// Multiplies from which on work is cut into pieces.
  static let leastMultiplies = 1 << 27

  /// Runs `piece` for each of `count` places; pieces write to memory of their own.
  static func run(_ count: Int, _ piece: @Sendable (Int) -> Void) {
    let workers = min(threads, count)
    guard workers > 1 else {
      for place in 0..<count { piece(place) }
      return
    }
    let next = Atomic(0)
    BLASLibrary.withThreads(1) {
      DispatchQueue.concurrentPerform(iterations: workers) { _ in
        // Whoever is free takes the next: a core that does something else meanwhile holds up one piece only.
        while true {
          let place = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard place < count else { break }
          piece(place)
        }
      }
    }
  }
}
