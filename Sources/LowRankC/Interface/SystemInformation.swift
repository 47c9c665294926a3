public import CLowRank
internal import Conv
internal import LinearAlgebra

/// `lowrank_system`
#if compiler(>=6.3)
  @c(lowrank_system)
#else
  @_cdecl("lowrank_system")
#endif
public func system(_ info: UnsafeMutablePointer<lowrank_system_info>?) -> lowrank_status {
  guarded("lowrank_system") { () throws(Failure) in
    try fill(info, "info") { filled in
      write(
        "\(LOWRANK_VERSION_MAJOR).\(LOWRANK_VERSION_MINOR).\(LOWRANK_VERSION_PATCH)", to: &filled.version)
      write(architecture, to: &filled.architecture)
      write(KernelVariant.best.rawValue, to: &filled.kernels)
      write(BLASLibrary.core, to: &filled.blas_core)
      write(BLASLibrary.configuration, to: &filled.blas)
      filled.blas_threads = Int32(clamping: BLASLibrary.threadCount)
      filled.reserved = 0
    }
  }
}

private var architecture: String {
  #if arch(x86_64)
    "x86-64"
  #elseif arch(arm64)
    "arm64"
  #else
    "unknown"
  #endif
}

/// `lowrank_handle_count`
#if compiler(>=6.3)
  @c(lowrank_handle_count)
#else
  @_cdecl("lowrank_handle_count")
#endif
public func handleCount() -> Int { HandleTable.count }
