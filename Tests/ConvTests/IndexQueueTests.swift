import Foundation
import Synchronization
import Testing

@testable import Conv

/// The queue of indices that threads share.
struct IndexQueueTests {
  private struct Failure: Error, Equatable {
    let index: Int
  }

  @Test(arguments: [1, 2, 7])
  func resultsComeInOrder(threads: Int) throws {
    let found = try inParallel(100, threads: threads, held: 3, into: [Int]()) {
      (index) throws(Failure) -> Int in
      // Others are done meanwhile.
      if index % 10 == 0 { usleep(2000) }
      return index * index
    } collect: {
      $0.append($1)
    }
    #expect(found == (0..<100).map { $0 * $0 })
  }

  /// No more than `held` indices are begun and not collected, however long the first one takes.
  @Test
  func fewAreHeld() throws {
    let open = Mutex((now: 0, most: 0))
    _ = try inParallel(60, threads: 6, held: 4, into: 0) { (index) throws(Failure) -> Int in
      open.withLock { open in
        open.now += 1
        open.most = max(open.most, open.now)
      }
      var x = index
      for i in 0..<(index % 5 == 0 ? 200_000 : 10) { x = (x &* 31 &+ i) & 0xFF }
      return x
    } collect: { _, _ in
      open.withLock { $0.now -= 1 }
    }
    #expect(open.withLock { $0.now } == 0)
    #expect((1...4).contains(open.withLock { $0.most }))
  }

  /// The error of the first index that has one, and an end: a thread that has met one takes no other.
  @Test(arguments: [1, 3])
  func firstErrorIsThrown(threads: Int) {
    let begun = Mutex(0)
    #expect(throws: Failure(index: 5)) {
      _ = try inParallel(1000, threads: threads, held: 5, into: 0) { (index) throws(Failure) -> Int in
        begun.withLock { $0 += 1 }
        if index >= 5 { throw Failure(index: index) }
        return index
      } collect: {
        $0 += $1
      }
    }
    #expect(begun.withLock { $0 } <= 5 + threads)
  }

  @Test
  func nothingIsDoneForNone() {
    #expect(
      inParallel(0, threads: 4, into: 7) {
        $0
      } collect: {
        $0 += $1
      } == 7)
  }
}
