import Compress
import ModelGraph
import Tensors
import TestSupport
import Testing

/// A layer runs once for every image of a batch, a matrix once for every row that it is applied to.
@Suite struct RepetitionTests {
  private let multiplies = ["plain": 24 * 16 * 9 * 10 * 10, "matrix": 40 * 30]

  private func model() throws -> ModelGraph {
    var generator = SeededGenerator(seed: 21)
    var builder = ModelBuilder()
    // Without padding an image of 12 x 12 leaves 10 x 10.
    builder.addConvolution("plain", .decayingKernel([24, 16, 3, 3], using: &generator))
    builder.addMatrix("matrix", .decayingKernel([40, 30], using: &generator))
    return try builder.model()
  }

  private func options(images: Int, rows: Int) -> CompressionOptions {
    var options = CompressionOptions()
    (options.criterion, options.rankMultiple) = (.ranksRatio(0.3), 1)
    options.inputShapes = ["plain.in": [images, 16, 12, 12], "matrix.in": [rows, 40]]
    return options
  }

  @Test(arguments: [(1, 1), (5, 1), (1, 7), (3, 4)])
  func multipliesCountAsOftenAsTheLayerRuns(images: Int, rows: Int) throws {
    let repetitions = ["plain": images, "matrix": rows]
    let options = options(images: images, rows: rows)
    for layer in try model().inspect(options).layers {
      #expect(layer.macs == multiplies[layer.name].map { $0 * (repetitions[layer.name] ?? 0) })
    }
    var (once, often) = (try model(), try model())
    let single = try once.compress(self.options(images: 1, rows: 1))
    let report = try often.compress(options)
    for (layer, other) in zip(report.layers, single.layers) {
      try #require(layer.reason == nil && other.reason == nil)
      #expect(layer.ranks == other.ranks)
      #expect(layer.macsAfter == other.macsAfter.map { $0 * (repetitions[layer.name] ?? 0) })
    }
    #expect(report.model.macsAfter == report.layers.reduce(0) { $0 + ($1.macsAfter ?? 0) })
  }
}
