internal import CKernels
import Tensors

/// The most threads of a run.
let mostThreads = Int(LOWRANK_MOST_THREADS)

/// What the threads of a run share: where the tensors and the workspace lie.
struct SharedRun {
  let input: UnsafeRawPointer
  let residual: UnsafeRawPointer?
  let output: UnsafeMutableRawPointer
  let memory: UnsafeMutableRawPointer
}

/// One thread's place among those of a run.
struct ThreadShare {
  let part: Int
  let parts: Int
  private let team: OpaquePointer?

  /// A thread that runs everything alone.
  static var alone: ThreadShare { ThreadShare(part: 0, parts: 1, team: nil) }

  fileprivate init(part: Int, parts: Int, team: OpaquePointer?) {
    self.part = part
    self.parts = parts
    self.team = team
  }

  /// Waits for the other threads.
  func meet() {
    guard parts > 1 else { return }
    lowrank_pool_meet(team, part)
  }

  /// This thread's share of `count` things in groups of `group`.
  func share(_ count: Int, group: Int) -> Range<Int> {
    Self.share(part, of: parts, count, group: group)
  }

  /// The share of one of `parts` threads of `count` things in groups of `group`.
  static func share(_ part: Int, of parts: Int, _ count: Int, group: Int) -> Range<Int> {
    guard parts > 1 else { return 0..<count }
    let groups = (count + group - 1) / group
    return min(count, part * groups / parts * group)..<min(count, (part + 1) * groups / parts * group)
  }
}

/// A plan whose run threads of the pool share.
protocol SharedRunner: AnyObject {
  /// One thread's part of a run.
  func run(_ run: SharedRun, _ thread: ThreadShare)
}

extension SharedRunner {
  /// Runs the parts, one thread each; returns the number of threads.
  ///
  /// Where they are to run `together`, so that they may meet, and the system cannot make the threads, one thread runs
  /// `alone` what all should have.
  func share(_ run: SharedRun, parts: Int, together: Bool) -> Int {
    var job = SharedJob(runner: self, run: run, parts: parts)
    return withExtendedLifetime(self) {
      guard together else { return lowrank_pool_run(parts, SharedJob.body, &job) }
      let threads = lowrank_pool_together(parts, SharedJob.body, &job)
      if threads > 0 { return threads }
      self.run(run, .alone)
      return 1
    }
  }
}

/// What the pool hands to its threads.
private struct SharedJob {
  unowned(unsafe) let runner: any SharedRunner
  let run: SharedRun
  let parts: Int

  static let body: lowrank_pool_body = { job, team, part in
    guard let job = job?.assumingMemoryBound(to: SharedJob.self) else { return }
    job.pointee.runner.run(job.pointee.run, ThreadShare(part: part, parts: job.pointee.parts, team: team))
  }
}
