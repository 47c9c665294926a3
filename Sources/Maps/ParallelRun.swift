internal import CKernels

/// Shares work among threads of the pool.
enum ParallelRun {
  private struct Job {
    let count: Int
    let parts: Int
    let body: (Range<Int>) -> Void
  }

  /// Runs the body over `0..<count` in pieces, one a thread.
  ///
  /// **Complexity** allocates nothing where there is one thread.
  static func share(_ count: Int, threads: Int, _ body: (Range<Int>) -> Void) {
    let parts = min(threads, count)
    guard parts > 1 else { return body(0..<count) }
    withoutActuallyEscaping(body) { body in
      var job = Job(count: count, parts: parts, body: body)
      withUnsafeMutablePointer(to: &job) { job in
        _ = lowrank_pool_run(
          parts,
          { context, _, part in
            guard let job = context?.assumingMemoryBound(to: Job.self).pointee else { return }
            job.body(part * job.count / job.parts..<(part + 1) * job.count / job.parts)
          }, UnsafeMutableRawPointer(job))
      }
    }
  }
}
