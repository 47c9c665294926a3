internal import CLapack
internal import Synchronization

/// Which BLAS the process runs on.
public enum BLASLibrary {
  /// The library's own build description, e.g. `OpenBLAS 0.3.21 DYNAMIC_ARCH Haswell MAX_THREADS=64`.
  public static var configuration: String { String(cString: openblas_get_config()) }

  /// The processor core whose kernels OpenBLAS chose, e.g. `Haswell`.
  public static var core: String { String(cString: openblas_get_corename()) }

  /// The number of threads that BLAS may use, for the whole process.
  public static var threadCount: Int { Int(openblas_get_num_threads()) }

  /// Runs `body` with BLAS on at most `count` threads and puts the former count back.
  ///
  /// The count is global to the process: calls of BLAS from other threads see it too while `body` runs. Where several
  /// bodies run at the same time the smallest of their counts holds until the last has ended, so that a body that asks
  /// for one thread, and with it for results that do not depend on the number of threads, gets it.
  ///
  /// **Traps** where `count` is not positive.
  public static func withThreads<R, E: Error>(_ count: Int, _ body: () throws(E) -> R) throws(E) -> R {
    precondition(count > 0, "\(count) BLAS threads")
    limits.withLock { $0.enter(Int32(clamping: count)) }
    defer { limits.withLock { $0.leave(Int32(clamping: count)) } }
    return try body()
  }

  private static let limits = Mutex(ThreadLimits())
}

/// The counts that running bodies have asked for, and the one from before the first of them.
private struct ThreadLimits {
  private var former: Int32 = 0
  private var active: [Int32] = []

  mutating func enter(_ count: Int32) {
    if active.isEmpty { former = openblas_get_num_threads() }
    active.append(count)
    apply()
  }

  mutating func leave(_ count: Int32) {
    if let place = active.firstIndex(of: count) { active.remove(at: place) }
    apply()
  }

  private func apply() {
    openblas_set_num_threads(active.min() ?? former)
  }
}
