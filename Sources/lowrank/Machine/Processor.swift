#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The processor that the command runs on, as far as the system tells.
enum Processor {
  static var architecture: String {
    #if arch(x86_64)
      "x86-64"
    #elseif arch(arm64)
      "arm64"
    #else
      "unknown"
    #endif
  }

  /// The line of `/proc/cpuinfo` that lists instruction sets, and those of them that matter to a GEMM. Under QEMU's
  /// user-mode emulation the file is the host's, whose line has another name.
  private static var known: (line: String, sets: [String]) {
    #if arch(x86_64)
      ("flags", ["sse4_2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "amx_tile"])
    #else
      ("Features", ["asimd", "sve", "sve2"])
    #endif
  }

  /// The vector instruction sets that matter to a GEMM, out of `/proc/cpuinfo`; empty where that is not there.
  static var instructionSets: [String] {
    let known = known
    guard let data = FileManager.default.contents(atPath: "/proc/cpuinfo") else { return [] }
    let text = String(decoding: data, as: UTF8.self)
    let line = text.split(separator: "\n").first { $0.hasPrefix(known.line) }
    let present = Set((line ?? "").split(separator: " ").map(String.init))
    return known.sets.filter(present.contains)
  }
}
