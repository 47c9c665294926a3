import Compress
import ONNX
import Tensors
import TestSupport
import Testing

/// The two errors of a kernel that a BatchNormalization was folded into.
@Suite struct FoldedErrorTests {
  private func report(
    _ scale: [Float]?, type: ElementType = .float32, _ change: (inout CompressionOptions) -> Void = { _ in }
  ) throws -> CompressionReport.Layer {
    var generator = SeededGenerator(seed: 140)
    var builder = ModelBuilder()
    builder.addConvolution(
      "conv", .decayingKernel([16, 12, 3, 3], using: &generator), type: type, scale: scale)
    var options = CompressionOptions()
    (options.criterion, options.method, options.rankMultiple) = (.ranksRatio(0.4), .only(.tucker2), 1)
    change(&options)
    var model = try builder.model()
    return try #require(try model.compress(options).layers.first)
  }

  /// Two ways to the error of the kernel itself: from the report, and from the factors in the model written.
  @Test func bothErrorsAreThoseOfTheFactorsWritten() throws {
    var generator = SeededGenerator(seed: 141)
    let kernel = Tensor<Float>.decayingKernel([16, 12, 3, 3], using: &generator)
    // The last channels are scaled down, so the factors spend little on them.
    let scale = (0..<16).map { Float($0 < 8 ? 2 : -0.05) }
    var builder = ModelBuilder()
    builder.addConvolution("conv", kernel, scale: scale)
    var options = CompressionOptions()
    (options.criterion, options.method, options.rankMultiple) = (.ranksRatio(0.4), .only(.tucker2), 1)
    var model = try builder.model()
    let layer = try #require(try model.compress(options).layers.first)
    #expect(layer.method == "tucker2" && layer.foldedBatchNormalization)
    let stages = try model.layers()
    try #require(stages.count == 3)
    let (mode2, core, mode1) = (
      try model.kernel(of: stages[0]), try model.kernel(of: stages[1]), try model.kernel(of: stages[2])
    )
    var (scaledLost, scaledWhole, lost, whole) = (0.0, 0.0, 0.0, 0.0)
    for t in 0..<16 {
      let factor = Double(scale[t])
      for s in 0..<12 {
        for tap in 0..<9 {
          var written = 0.0
          for r1 in 0..<core.shape[0] {
            for r2 in 0..<core.shape[1] {
              written +=
                Double(mode1[t, r1, 0, 0]) * Double(core[r1, r2, tap / 3, tap % 3])
                * Double(mode2[r2, s, 0, 0])
            }
          }
          let value = Double(kernel[t, s, tap / 3, tap % 3])
          let (scaled, plain) = (factor * value - written, value - written / factor)
          (scaledLost, scaledWhole) = (
            scaledLost + scaled * scaled, scaledWhole + factor * value * factor * value
          )
          (lost, whole) = (lost + plain * plain, whole + value * value)
        }
      }
    }
    // The variance's epsilon and the folding round in Float: 1e-5 of the scale, which lies far under the errors.
    #expect(abs(layer.relativeError - (scaledLost / scaledWhole).squareRoot()) < 1e-5)
    let unfolded = try #require(layer.relativeErrorUnfolded)
    #expect(abs(unfolded - (lost / whole).squareRoot()) < 1e-5 * max(1, unfolded))
    #expect(unfolded > 1.2 * layer.relativeError)
  }

  @Test func anEvenScaleLeavesTheErrorAsItIs() throws {
    for type in [ElementType.float32, .float16] {
      let layer = try report(Array(repeating: 0.5, count: 16), type: type)
      let unfolded = try #require(layer.relativeErrorUnfolded)
      // Both are sums of the same 1728 squares, in another order.
      #expect(abs(unfolded - layer.relativeError) < 1e-6)
    }
  }

  /// Channels that are scaled to zero say nothing about the kernel; nor may they make the error infinite.
  @Test func channelsScaledToZeroAreLeftOut() throws {
    let layer = try report((0..<16).map { $0 < 4 ? 0 : 1 })
    let unfolded = try #require(layer.relativeErrorUnfolded)
    #expect(abs(unfolded - layer.relativeError) < 1e-5)
    #expect(try report(Array(repeating: 0, count: 16)).relativeErrorUnfolded == 0)
    // Scales so far apart that squares of their quotients leave Double's range are numbers all the same, or missing.
    let wild = try report((0..<16).map { $0 < 8 ? 1e-38 : 1e30 })
    #expect(wild.relativeErrorUnfolded?.isFinite != false)
  }

  @Test func otherLayersHaveOneError() throws {
    #expect(try report(nil).relativeErrorUnfolded == nil)
    #expect(
      try report(Array(repeating: 2, count: 16)) { $0.foldsBatchNormalization = false }.relativeErrorUnfolded
        == nil)
    #expect(
      try report(Array(repeating: 2, count: 16)) { $0.criterion = .error(0) }.relativeErrorUnfolded == nil)
  }
}
