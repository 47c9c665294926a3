internal import CLapack

/// Which BLAS the process runs on.
public enum BLASLibrary {
  /// The library's own build description, e.g. `OpenBLAS 0.3.21 DYNAMIC_ARCH Haswell MAX_THREADS=64`.
  public static var configuration: String { String(cString: openblas_get_config()) }

  /// The processor core whose kernels OpenBLAS chose, e.g. `Haswell`.
  public static var core: String { String(cString: openblas_get_corename()) }

  /// The number of threads that BLAS may use, for the whole process.
  public static var threadCount: Int { Int(openblas_get_num_threads()) }

  /// Runs `body` with BLAS on `count` threads and puts the former count back.
  ///
  /// The count is global to the process: calls of BLAS from other threads see it too while `body` runs.
  ///
  /// **Traps** where `count` is not positive.
  public static func withThreads<R, E: Error>(_ count: Int, _ body: () throws(E) -> R) throws(E) -> R {
    precondition(count > 0, "\(count) BLAS threads")
    let former = openblas_get_num_threads()
    openblas_set_num_threads(Int32(clamping: count))
    defer { openblas_set_num_threads(former) }
    return try body()
  }
}
