import Dispatch
import Foundation
import ModelGraph
import Synchronization
import Tensors
import Testing

@testable import Tune

/// Processes that tune together: threads here, which wait for each other as processes do.
struct GroupTests {
  /// The sums that threads make together.
  private final class Meeting: Sendable {
    private struct State {
      var arrived = 0
      var sum: [Double] = []
      var parts: [Int: [Double]] = [:]
      var result: [Double] = []
    }
    private let state = Mutex(State())
    private let done: [DispatchSemaphore]
    let count: Int

    init(count: Int) {
      self.count = count
      done = (0..<count).map { _ in DispatchSemaphore(value: 0) }
    }

    func sum(_ values: [Double], rank: Int) -> [Double] {
      let isLast = state.withLock { state in
        state.parts[rank] = values
        guard state.parts.count == count else { return false }
        state.result = (0..<values.count).map { i in
          (0..<count).reduce(0) { $0 + (state.parts[$1]?[i] ?? .nan) }
        }
        state.parts = [:]
        return true
      }
      if isLast { for semaphore in done { semaphore.signal() } }
      done[rank].wait()
      return state.withLock { $0.result }
    }
  }

  private struct Member: TuningGroup {
    let meeting: Meeting
    let rank: Int
    var count: Int { meeting.count }

    func sum(_ values: inout [Double]) { values = meeting.sum(values, rank: rank) }
    func sum(_ values: inout [Float]) {
      values = meeting.sum(values.map(Double.init), rank: rank).map { Float($0) }
    }
  }

  private static func options(batch: Int) -> TuneOptions {
    var options = TuneOptions()
    (options.length, options.batch, options.rate, options.seed) = (.epochs(4), batch, 0.01, 3)
    return options
  }

  private static func run(_ options: TuneOptions) throws -> TuningResult {
    try Tuner(
      TinyNetwork.classifier(seed: 1, noise: 0.3), teacher: TinyNetwork.classifier(seed: 1),
      images: RandomImages(),
      options: options
    ).run()
  }

  /// The results of two that tune together, each with options of its own.
  private static func together(
    _ options: (Int) -> TuneOptions
  ) -> [Result<TuningResult, any Error>] {
    let meeting = Meeting(count: 2)
    let all = (0..<2).map { rank in
      var own = options(rank)
      own.group = Member(meeting: meeting, rank: rank)
      return own
    }
    let results = Mutex<[Int: Result<TuningResult, any Error>]>([:])
    // Threads of their own: on one processor concurrentPerform would have the first wait for a second that never begins.
    let ended = DispatchSemaphore(value: 0)
    for rank in 0..<2 {
      Thread.detachNewThread {
        let result = Result { try Self.run(all[rank]) }
        results.withLock { $0[rank] = result }
        ended.signal()
      }
    }
    for _ in 0..<2 { ended.wait() }
    return results.withLock { results in (0..<2).compactMap { results[$0] } }
  }

  /// Two with half of the batch each do what one does, but for rounding, and have the same weights to the bit.
  @Test
  func twoAreOneOfTheDoubleBatch() throws {
    let alone = try Self.run(Self.options(batch: 8))
    let results = try Self.together { _ in Self.options(batch: 4) }.map { try $0.get() }
    let (one, two) = (results[0], results[1])
    #expect(one.weights == two.weights && one.bestLoss == two.bestLoss && one.steps == alone.steps)
    // As with accumulation: the same images in the same steps, whose sums are rounded in another order.
    #expect(abs(one.bestLoss - alone.bestLoss) < 1e-3 * alone.bestLoss, "\(one.bestLoss), \(alone.bestLoss)")
    #expect(abs(one.startLoss - alone.startLoss) < 1e-6 * alone.startLoss)
  }

  /// Those that were told different things end, all of them, before the first step.
  @Test
  func othersAreRefused() throws {
    let results = Self.together { rank in
      var options = Self.options(batch: 4)
      options.decay = rank == 0 ? 0 : 0.1
      return options
    }
    for result in results {
      guard case .failure(let error) = result else {
        Issue.record("processes with different options went on")
        continue
      }
      #expect("\(error)".contains("differ at step 0"), "\(error)")
    }
  }
}
