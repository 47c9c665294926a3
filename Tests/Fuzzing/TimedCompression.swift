import Compress
import Foundation
import ModelGraph
import TensorFiles
import Tensors

/// Compression of a small network to half of the time that a table says it takes, as `compress --profile` does it.
struct TimedCompression {
  private let table: TimeTable

  init(_ table: TimeTable) { self.table = table }

  /// Two convolutions, the second of 1x1.
  private static let model: ModelGraph = {
    var random = SeededGenerator(seed: 1)
    var constants = ConstantTable()
    for (name, shape) in [("w1", [16, 16, 3, 3] as Shape), ("w2", [16, 16, 1, 1])] {
      constants.append(Constant(name: name, random.tensor(shape, of: Float.self), type: .float32))
    }
    let pads = Attribute("pads", .ints([1, 1, 1, 1]))
    let image = [1, 16, 8, 8].map { ValueInfo.Dimension.known($0) }
    return ModelGraph(
      path: "case.bin",
      main: Graph(
        nodes: [
          Node(name: "core", opType: "Conv", inputs: ["x", "w1"], outputs: ["a"], attributes: [pads]),
          Node(name: "pointwise", opType: "Conv", inputs: ["a", "w2"], outputs: ["y"]),
        ], constants: constants,
        inputs: [ValueInfo(name: "x", type: .tensor(.float32, shape: image))],
        outputs: [ValueInfo(name: "y")]), operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
  }()

  /// Compresses, and holds the report against the table.
  func run() throws {
    var options = CompressionOptions()
    options.rankMultiple = 1
    var latency = try LatencyCompression(Self.model, options, .fraction(0.5), .table(table))
    var candidates = try ModelCandidates(Self.model, latency.options)
    try latency.settle(&candidates)
    var model = Self.model
    let report = try latency.compress(&model, &candidates)
    // Where no form gains anything, all layers are kept and the report says so.
    if let achieved = report.allocation?.achieved, report.layers.contains(where: \.isFactored),
      !(achieved <= 0.5 * (1 + 1e-9))
    {
      throw BrokenPromise(what: "half of the time was asked for, and \(achieved) of it reached")
    }
  }
}
