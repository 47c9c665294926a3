import LinearAlgebra

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Which of OpenBLAS's kernels the command runs on.
///
/// An OpenBLAS that is older than the processor does not know it and falls back on its oldest kernels: Debian 12's 0.3.21
/// takes an Emerald Rapids for a Prescott, and a decomposition takes 2.5 times as long. Kernels are chosen while the
/// library is loaded, by `OPENBLAS_CORETYPE` where it is set, so that mending it takes a new start of the process.
enum BLASKernels {
  private static let variable = "OPENBLAS_CORETYPE"

  /// Starts the command anew with kernels that fit the processor, where OpenBLAS chose its oldest for want of knowledge and
  /// nobody has set the variable. Returns where there is nothing to mend, and where the new start fails.
  static func restartIfOutdated() {
    guard
      let core = fitting(chosen: BLASLibrary.core, Processor.instructionSets, isSet: getenv(variable) != nil)
    else { return }
    setenv(variable, core, 1)
    execv("/proc/self/exe", CommandLine.unsafeArgv)
    unsetenv(variable)
  }

  /// The kernels to ask for instead of those chosen; nil where these will do.
  static func fitting(chosen: String, _ instructionSets: [String], isSet: Bool) -> String? {
    guard !isSet, chosen == "Prescott" else { return nil }
    let sets = Set(instructionSets)
    if sets.isSuperset(of: ["avx512f", "avx512bw", "avx512vl"]) { return "SkylakeX" }
    return sets.isSuperset(of: ["avx2", "fma"]) ? "Haswell" : nil
  }
}
