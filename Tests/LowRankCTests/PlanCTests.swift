import CLowRank
import Conv
import Decompose
import LowRankC
import Tensors
import TestSupport
import Testing

/// Plans by the C interface compute what the Swift ones do.
@Suite struct PlanCTests {
  private let kernel = randomTensor([8, 6, 3, 3], seed: 11)
  private let bias = randomTensor([8], seed: 12)
  private let input = randomTensor([1, 6, 9, 7], seed: 13)

  private func geometry(stride: Int = 1) throws -> ConvolutionGeometry {
    try ConvolutionGeometry(
      kernelShape: kernel.shape, inputExtents: [9, 7], stride: [stride, stride], paddingBefore: [1, 1],
      paddingAfter: [1, 1])
  }

  @Test(arguments: [1, 2]) func denseIsThatOfSwift(stride: Int) throws {
    var plan: OpaquePointer?
    var given = paddedGeometry([9, 7], stride: Int64(stride))
    try require(
      planCreateF32(&given, kernel.elements, kernel.count, [8, 6, 3, 3], 4, bias.elements, 8, nil, &plan))
    defer { #expect(planDestroy(plan) == LOWRANK_OK) }
    let expected = ConvolutionPlan(try geometry(stride: stride), kernel: kernel, bias: bias)
    let found = try run(plan, input)
    let wanted = expected.run(input).elements
    #expect(found == wanted)
    let info = try information(plan)
    #expect(info.multiplies == expected.multiplies)
    #expect(info.output_count == expected.outputShape.count)
  }

  @Test func factoredAndStagesAreThoseOfSwift() throws {
    var factors: OpaquePointer?
    try require(
      decomposeF32(
        LOWRANK_TUCKER2, kernel.elements, kernel.count, [8, 6, 3, 3], 4, [4, 3], 2, nil, &factors))
    var (first, second): (OpaquePointer?, OpaquePointer?)
    var given = paddedGeometry([9, 7])
    var options = lowrank_plan_options()
    options.struct_size = MemoryLayout<lowrank_plan_options>.size
    options.activation = LOWRANK_RELU
    try require(planCreateFactoredF32(&given, factors, bias.elements, 8, &options, &first))
    #expect(decompositionDestroy(factors) == LOWRANK_OK)
    let swift = try tucker2(kernel, outputRank: 4, inputRank: 3)
    let weights = swift.kernel.stageWeights.map(\.elements)
    let status = weights[0].withUnsafeBufferPointer { a in
      weights[1].withUnsafeBufferPointer { b in
        weights[2].withUnsafeBufferPointer { c in
          planCreateStagesF32(
            &given, [8, 6, 3, 3], 4, LOWRANK_TUCKER2, [4, 3], 2,
            [a.baseAddress, b.baseAddress, c.baseAddress],
            [a.count, b.count, c.count], 3, bias.elements, 8, &options, &second)
        }
      }
    }
    try require(status)
    let expected = ConvolutionPlan(try geometry(), factors: swift.kernel, bias: bias, activation: .relu)
    for plan in [first, second] {
      let found = try run(plan, input)
      let wanted = expected.run(input).elements
      // The factors come from two runs of HOOI, and BLAS on another number of threads sums in another order: some epsilon
      // of sums of about a hundred products of size one, three times.
      #expect(found.count == wanted.count)
      #expect(zip(found, wanted).allSatisfy { abs($0 - $1) <= 300 * Float.ulpOfOne * 4 })
      #expect(planDestroy(plan) == LOWRANK_OK)
    }
  }

  @Test func groupedStagesRun() throws {
    let grouped = randomTensor([8, 3, 3, 3], seed: 14)
    var given = paddedGeometry([9, 7], groups: 2)
    var plan: OpaquePointer?
    try require(
      planCreateF32(&given, grouped.elements, grouped.count, [8, 3, 3, 3], 4, nil, 0, nil, &plan))
    let geometry = try ConvolutionGeometry(
      kernelShape: grouped.shape, inputExtents: [9, 7], paddingBefore: [1, 1], paddingAfter: [1, 1], groups: 2
    )
    let found = try run(plan, input)
    let wanted = ConvolutionPlan(geometry, kernel: grouped).run(input).elements
    #expect(found == wanted)
    #expect(planDestroy(plan) == LOWRANK_OK)
  }

  /// One plan on many tasks, destroyed while they run: a run ends well or says that the handle is gone.
  @Test func plansRunOnManyTasks() async throws {
    var plan: OpaquePointer?
    var given = paddedGeometry([9, 7])
    try require(planCreateF32(&given, kernel.elements, kernel.count, [8, 6, 3, 3], 4, nil, 0, nil, &plan))
    let expected = ConvolutionPlan(try geometry(), kernel: kernel).run(input).elements
    let handle = UInt(bitPattern: plan)
    let input = input
    let results = await withTaskGroup(of: Bool.self) { group in
      for task in 0..<8 {
        group.addTask {
          for _ in 0..<50 {
            do {
              if try run(OpaquePointer(bitPattern: handle), input) != expected { return false }
            } catch let error as CFailure {
              return error.status == LOWRANK_BAD_HANDLE
            } catch { return false }
          }
          if task == 0 { _ = planDestroy(OpaquePointer(bitPattern: handle)) }
          return true
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(results.allSatisfy { $0 })
  }
}
