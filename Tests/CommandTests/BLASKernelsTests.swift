import Testing

@testable import lowrank

/// When the command starts anew for OpenBLAS's sake.
@Suite struct BLASKernelsTests {
  private let server = ["sse4_2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl"]

  @Test func kernelsForOldProcessorsOnNewOnesAreReplaced() {
    #expect(BLASKernels.fitting(chosen: "Prescott", server, isSet: false) == "SkylakeX")
    #expect(BLASKernels.fitting(chosen: "Prescott", ["avx", "avx2", "fma"], isSet: false) == "Haswell")
  }

  @Test func whatFitsOrWasAskedForStays() {
    #expect(BLASKernels.fitting(chosen: "Prescott", server, isSet: true) == nil)
    #expect(BLASKernels.fitting(chosen: "Cooperlake", server, isSet: false) == nil)
    #expect(BLASKernels.fitting(chosen: "Prescott", ["sse4_2"], isSet: false) == nil)
    #expect(BLASKernels.fitting(chosen: "Prescott", ["avx512f"], isSet: false) == nil)
  }
}
