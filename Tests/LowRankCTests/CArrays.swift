import CLowRank
import LowRankC
import Tensors
import TestSupport
import Testing

/// A status as an error, so that a test stops at the first call that fails.
struct CFailure: Error, CustomStringConvertible {
  let status: lowrank_status
  let description: String
}

func require(_ status: lowrank_status) throws {
  guard status == LOWRANK_OK else {
    throw CFailure(status: status, description: String(cString: lowrank_last_error()))
  }
}

/// A geometry of the header with a padding of 1.
func paddedGeometry(_ extents: [Int64], stride: Int64 = 1, groups: Int32 = 1) -> lowrank_geometry {
  var geometry = lowrank_geometry()
  geometry.struct_size = MemoryLayout<lowrank_geometry>.size
  geometry.axes = Int32(extents.count)
  geometry.groups = groups
  func fill<Array>(_ array: inout Array, _ values: [Int64]) {
    withUnsafeMutableBytes(of: &array) { $0.copyBytes(from: values.withUnsafeBytes { [UInt8]($0) }) }
  }
  fill(&geometry.input, extents)
  fill(&geometry.stride, extents.map { _ in stride })
  fill(&geometry.padding_before, extents.map { _ in 1 })
  fill(&geometry.padding_after, extents.map { _ in 1 })
  return geometry
}

/// What a plan needs.
func information(_ plan: OpaquePointer?) throws -> lowrank_plan_info {
  var info = lowrank_plan_info()
  info.struct_size = MemoryLayout<lowrank_plan_info>.size
  try require(planGetInfo(plan, &info))
  return info
}

/// Runs a plan of Floats, its workspace at an odd address, with guards around output and workspace.
func run(_ plan: OpaquePointer?, _ input: Tensor<Float>) throws -> [Float] {
  let info = try information(plan)
  let guardCount = 16
  var output = [Float](repeating: .nan, count: info.output_count + guardCount)
  var workspace = [UInt8](repeating: 0xA5, count: info.workspace_bytes + 1 + guardCount)
  let status = workspace.withUnsafeMutableBytes { workspace in
    planRunF32(
      plan, input.elements, input.count, &output, info.output_count, workspace.baseAddress.map { $0 + 1 },
      info.workspace_bytes)
  }
  try require(status)
  #expect(output.suffix(guardCount).allSatisfy { $0.isNaN }, "the output's end")
  #expect(workspace.suffix(guardCount).allSatisfy { $0 == 0xA5 }, "the workspace's end")
  return Array(output.prefix(info.output_count))
}

/// Floats from -1 to 1.
func randomTensor(_ shape: Shape, seed: UInt64) -> Tensor<Float> {
  var generator = SeededGenerator(seed: seed)
  return .random(shape, using: &generator)
}
