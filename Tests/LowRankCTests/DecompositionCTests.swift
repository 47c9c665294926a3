import CLowRank
import Decompose
import LinearAlgebra
import LowRankC
import Tensors
import TestSupport
import Testing

/// Decompositions by the C interface are those of the Swift one.
@Suite struct DecompositionCTests {
  private func copies(
    _ handle: OpaquePointer?, _ part: lowrank_part, count: Int32
  ) throws -> [(name: String, shape: [Int], elements: [Float])] {
    try (0..<count).map { index in
      var info = lowrank_tensor_info()
      info.struct_size = MemoryLayout<lowrank_tensor_info>.size
      try require(decompositionGetTensor(handle, part, index, &info))
      var elements = [Float](repeating: .nan, count: Int(info.count))
      try require(decompositionCopyF32(handle, part, index, &elements, elements.count))
      let name = withUnsafeBytes(of: info.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      let shape = withUnsafeBytes(of: info.shape) {
        $0.bindMemory(to: Int64.self).prefix(Int(info.order)).map(Int.init)
      }
      return (name, shape, elements)
    }
  }

  @Test func tucker2IsThatOfSwift() throws {
    let kernel = randomTensor([7, 5, 3, 3], seed: 3)
    let expected = try tucker2(kernel, outputRank: 4, inputRank: 3)
    var handle: OpaquePointer?
    try require(
      decomposeF32(LOWRANK_TUCKER2, kernel.elements, kernel.count, [7, 5, 3, 3], 4, [4, 3], 2, nil, &handle))
    defer { #expect(decompositionDestroy(handle) == LOWRANK_OK) }
    var info = lowrank_decomposition_info()
    info.struct_size = MemoryLayout<lowrank_decomposition_info>.size
    try require(decompositionGetInfo(handle, &info))
    #expect(info.relative_error == expected.relativeError)
    #expect(info.method == LOWRANK_TUCKER2 && info.type == LOWRANK_FLOAT32 && info.stage_count == 3)
    #expect(info.weight_count == 3 * 5 + 9 * 4 * 3 + 7 * 4)
    let stages = try copies(handle, LOWRANK_STAGE, count: info.stage_count)
    #expect(stages.map(\.name) == ["mode2", "core", "mode1"])
    #expect(stages.map(\.shape) == expected.kernel.stageWeights.map(\.shape.extents))
    #expect(stages.map(\.elements) == expected.kernel.stageWeights.map(\.elements))
    let factors = try copies(handle, LOWRANK_FACTOR, count: info.factor_count)
    #expect(factors.map(\.name) == ["core", "mode1", "mode2"])
    #expect(factors.map(\.shape) == [[4, 3, 3, 3], [7, 4], [5, 3]])
    var dense = [Float](repeating: .nan, count: kernel.count)
    try require(decompositionReconstructF32(handle, &dense, dense.count))
    #expect(dense == expected.kernel.reconstructed().elements)
  }

  @Test(arguments: [
    (LOWRANK_SVD, [6, 9], [2]), (LOWRANK_SPATIAL, [6, 4, 3, 5], [5]),
    (LOWRANK_SPATIAL_MIRRORED, [6, 4, 3, 5], [5]), (LOWRANK_CHANNEL, [6, 4, 3, 3], [4]),
    (LOWRANK_CHANNEL_MIRRORED, [6, 4, 3], [3]), (LOWRANK_CP3, [6, 4, 3], [4]),
    (LOWRANK_CP4, [6, 4, 3, 3], [5]),
  ])
  func everyFormReconstructsToItsError(method: lowrank_method, shape: [Int64], ranks: [Int64]) throws {
    let kernel = randomTensor(Shape(shape.map(Int.init)), seed: 5).converted(to: Double.self)
    var handle: OpaquePointer?
    try require(
      decomposeF64(
        method, kernel.elements, kernel.count, shape, Int32(shape.count), ranks, Int32(ranks.count), nil,
        &handle))
    defer { #expect(decompositionDestroy(handle) == LOWRANK_OK) }
    var info = lowrank_decomposition_info()
    info.struct_size = MemoryLayout<lowrank_decomposition_info>.size
    try require(decompositionGetInfo(handle, &info))
    #expect(info.method == method && info.type == LOWRANK_FLOAT64 && info.rank_count == ranks.count)
    var dense = [Double](repeating: .nan, count: kernel.count)
    try require(decompositionReconstructF64(handle, &dense, dense.count))
    let squares = zip(dense, kernel.elements).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    // The error is computed from the same factors; only the order of the sums differs.
    #expect(abs((squares / kernel.squaredNorm).squareRoot() - info.relative_error) < 1e-12)
  }

  @Test func messagesAreOfTheThread() async throws {
    #expect(decompositionGetInfo(nil, nil) == LOWRANK_NULL_ARGUMENT)
    let mine = String(cString: lowrank_last_error())
    #expect(mine.hasPrefix("lowrank_decomposition_get_info: info is null"))
  }

  @Test func handlesAreNames() throws {
    var handle: OpaquePointer?
    let kernel = randomTensor([3, 3], seed: 1)
    try require(decomposeF32(LOWRANK_SVD, kernel.elements, 9, [3, 3], 2, [1], 1, nil, &handle))
    #expect(planDestroy(handle) == LOWRANK_BAD_HANDLE, "another kind")
    #expect(decompositionDestroy(handle) == LOWRANK_OK)
    #expect(decompositionDestroy(handle) == LOWRANK_BAD_HANDLE, "destroyed")
    #expect(decompositionDestroy(OpaquePointer(bitPattern: 64)) == LOWRANK_BAD_HANDLE, "never given out")
    #expect(decompositionDestroy(nil) == LOWRANK_OK)
    // The name of one that is gone stays its own.
    var next: OpaquePointer?
    try require(decomposeF32(LOWRANK_SVD, kernel.elements, 9, [3, 3], 2, [1], 1, nil, &next))
    #expect(next != handle && decompositionDestroy(handle) == LOWRANK_BAD_HANDLE)
    #expect(decompositionDestroy(next) == LOWRANK_OK)
  }
}
