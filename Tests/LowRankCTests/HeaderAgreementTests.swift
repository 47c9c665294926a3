import CLowRank
import LowRankC
import Testing

/// The functions that Swift exports under a C name have the types that the header declares: the compiler sees to it
/// here, for it does not compare the two by itself.
@Suite struct HeaderAgreementTests {
  private func agree<Function>(_ declared: Function, _ exported: Function) {}

  @Test func decompositionsAgree() {
    agree(lowrank_decompose_f32, decomposeF32)
    agree(lowrank_decompose_f64, decomposeF64)
    agree(lowrank_decomposition_get_info, decompositionGetInfo)
    agree(lowrank_decomposition_get_tensor, decompositionGetTensor)
    agree(lowrank_decomposition_copy_f32, decompositionCopyF32)
    agree(lowrank_decomposition_copy_f64, decompositionCopyF64)
    agree(lowrank_decomposition_reconstruct_f32, decompositionReconstructF32)
    agree(lowrank_decomposition_reconstruct_f64, decompositionReconstructF64)
    agree(lowrank_decomposition_destroy, decompositionDestroy)
  }

  @Test func plansAgree() {
    agree(lowrank_plan_create_f32, planCreateF32)
    agree(lowrank_plan_create_f64, planCreateF64)
    agree(lowrank_plan_create_factored_f32, planCreateFactoredF32)
    agree(lowrank_plan_create_factored_f64, planCreateFactoredF64)
    agree(lowrank_plan_create_stages_f32, planCreateStagesF32)
    agree(lowrank_plan_create_stages_f64, planCreateStagesF64)
    agree(lowrank_plan_create_chain_f32, planCreateChainF32)
    agree(lowrank_plan_create_chain_f64, planCreateChainF64)
    agree(lowrank_plan_get_info, planGetInfo)
    agree(lowrank_plan_run_f32, planRunF32)
    agree(lowrank_plan_run_f64, planRunF64)
    agree(lowrank_plan_destroy, planDestroy)
  }

  @Test func networksAgree() {
    agree(lowrank_network_open, networkOpen)
    agree(lowrank_network_create, networkCreate)
    agree(lowrank_network_get_info, networkGetInfo)
    agree(lowrank_network_get_value, networkGetValue)
    agree(lowrank_network_get_shapes, networkGetShapes)
    agree(lowrank_network_destroy, networkDestroy)
    agree(lowrank_session_create, sessionCreate)
    agree(lowrank_session_run, sessionRun)
    agree(lowrank_session_copy, sessionCopy)
    agree(lowrank_session_destroy, sessionDestroy)
  }

  @Test func theRestAgrees() {
    agree(lowrank_system, system)
    agree(lowrank_handle_count, handleCount)
    agree(lowrank_model_inspect, modelInspect)
    agree(lowrank_model_compress, modelCompress)
    agree(lowrank_report_copy, reportCopy)
    agree(lowrank_report_destroy, reportDestroy)
  }

  /// Structures have no gaps that another compiler might fill otherwise, and no sizes that depend on the machine.
  @Test func structuresAreLaidOutAsOn64Bits() {
    #if _pointerBitWidth(_64)
      #expect(MemoryLayout<lowrank_system_info>.size == 288)
      #expect(MemoryLayout<lowrank_decompose_options>.size == 32)
      #expect(MemoryLayout<lowrank_decomposition_info>.size == 152)
      #expect(MemoryLayout<lowrank_tensor_info>.size == 104)
      #expect(MemoryLayout<lowrank_geometry>.size == 264)
      #expect(MemoryLayout<lowrank_plan_options>.size == 112)
      #expect(MemoryLayout<lowrank_stage>.size == 360)
      #expect(MemoryLayout<lowrank_plan_info>.size == 184)
      #expect(MemoryLayout<lowrank_model_options>.size == 104)
      #expect(MemoryLayout<lowrank_network_options>.size == 24)
      #expect(MemoryLayout<lowrank_network_info>.size == 24)
      #expect(MemoryLayout<lowrank_value_info>.size == 88)
      #expect(MemoryLayout<lowrank_array>.size == 104)
    #endif
  }
}
