import Compress
import ModelGraph
import Tensors
import TestSupport
import Testing

/// Layers of the same extents, each with a weight of its own: what becomes of one does not depend on the other.
@Suite struct EqualShapeTests {
  private let names = ["first", "second"]
  private let kernels: [Tensor<Float>] = [11, 12].map { (seed: UInt64) in
    var generator = SeededGenerator(seed: seed)
    return .decayingKernel([24, 16, 3, 3], using: &generator)
  }

  private func compressed(_ places: [Int]) throws -> (model: ModelGraph, report: CompressionReport) {
    var builder = ModelBuilder()
    for place in places { builder.addConvolution(names[place], kernels[place]) }
    var options = CompressionOptions()
    (options.method, options.criterion) = (.only(.tucker2), .ranksRatio(0.3))
    var model = try builder.model()
    let report = try model.compress(options)
    return (model, report)
  }

  @Test func eachIsFactoredAsIfAlone() throws {
    let both = try compressed([0, 1])
    let stages = try both.model.layers()
    try #require(stages.count == 6 && both.report.layers.count == 2)
    for place in 0..<2 {
      let alone = try compressed([place])
      let (own, expected) = (both.report.layers[place], try #require(alone.report.layers.first))
      #expect(own.relativeError == expected.relativeError && own.reason == nil)
      for (stage, other) in zip(stages[(3 * place)..<(3 * place + 3)], try alone.model.layers()) {
        #expect(try both.model.kernel(of: stage) == alone.model.kernel(of: other))
      }
    }
  }
}
