import Compress
import ModelGraph
import ONNX
import TestSupport
import Testing

/// Extents of a model so large that the cost of its layers cannot be counted.
@Suite struct ExtremeCostTests {
  @Test(arguments: [1 << 20, 1 << 31, 1 << 40])
  func costsThatOverflowAreErrorsNotTraps(extent: Int) throws {
    let model = try ModelGraph(onnx: Vectors.path("conv-shared-weight.onnx"))
    let input = model.inputs[0]
    let channels = try #require(input.extents?[1])
    var options = CompressionOptions()
    options.inputShapes = [input.name: [extent, channels, extent, extent]]
    _ = try model.inspect(options)
    options.budget = .multiplies(0.5)
    var copy = model
    #expect(throws: CompressError.self) { try copy.compress(options) }
    options.budget = .weights(0.5)
    _ = try copy.compress(options)
  }
}
