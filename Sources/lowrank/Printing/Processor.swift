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

  /// The vector instruction sets that matter to a GEMM, out of `/proc/cpuinfo`; empty where that is not there.
  static var instructionSets: [String] {
    let known = [
      "sse4_2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "amx_tile", "asimd", "sve", "sve2",
    ]
    guard let data = FileManager.default.contents(atPath: "/proc/cpuinfo") else { return [] }
    let text = String(decoding: data, as: UTF8.self)
    let line = text.split(separator: "\n").first { $0.hasPrefix("flags") || $0.hasPrefix("Features") }
    let present = Set((line ?? "").split(separator: " ").map(String.init))
    return known.filter(present.contains)
  }
}
