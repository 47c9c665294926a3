import CLowRank
import LowRankC
import TestSupport
import Testing

/// What the C interface says of threads, and of bounds that are in no order.
@Suite struct ThreadsCTests {
  private func create(_ options: lowrank_plan_options, _ plan: inout OpaquePointer?) -> lowrank_status {
    let kernel = randomTensor([8, 6, 3, 3], seed: 11)
    var (given, options) = (paddedGeometry([9, 7]), options)
    options.struct_size = MemoryLayout<lowrank_plan_options>.size
    return planCreateF32(&given, kernel.elements, kernel.count, [8, 6, 3, 3], 4, nil, 0, &options, &plan)
  }

  /// Nine output rows are shared by nine threads at most.
  @Test(arguments: [(0, 1), (1, 1), (2, 2), (64, 9)], [LOWRANK_BACKEND_BLAS])
  func infoSaysHowManyThreadsRun(threads: (asked: Int32, run: Int32), backend: lowrank_backend) throws {
    var options = lowrank_plan_options()
    options.backend = backend
    options.threads = threads.asked
    var plan: OpaquePointer?
    try require(create(options, &plan))
    defer { #expect(planDestroy(plan) == LOWRANK_OK) }
    #expect(try information(plan).threads == threads.run)
  }

  @Test(arguments: [(1.0, -1.0), (.nan, 1), (0, .nan), (.infinity, -.infinity), (0, -.infinity)])
  func boundsThatAreNotInOrderAreAnError(low: Double, high: Double) {
    var options = lowrank_plan_options()
    options.activation = LOWRANK_CLIP
    (options.clip_low, options.clip_high) = (low, high)
    var plan: OpaquePointer?
    #expect(create(options, &plan) == LOWRANK_INVALID_ARGUMENT)
    #expect(plan == nil)
  }
}
