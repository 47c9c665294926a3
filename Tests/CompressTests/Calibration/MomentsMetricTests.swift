import Decompose
import LinearAlgebra
import ModelGraph
import Network
import TensorFiles
import TestSupport
import Tensors
import Testing

@testable import Compress

/// What the outputs make of errors, in moments files.
@Suite struct MomentsMetricTests {
  private static func write(
    _ model: ModelGraph, _ samples: CalibrationSamples, to path: String
  ) throws {
    var files = FileTransaction()
    _ = try model.writeMoments(of: samples, sampling: "", CompressionOptions(), to: path, in: &files)
    try files.commit()
  }

  /// A file as it was before gradients were in it.
  private static func writeOld(_ path: String, to old: String) throws {
    var file = try SafetensorsFile(contentsOf: path)
    file.metadata["format"] = "lowrank-moments-1"
    file.metadata["outputs"] = nil
    for name in file.tensors.keys where name.contains(".outputs.") || name.hasSuffix(".answers") {
      file.tensors[name] = nil
    }
    try file.write(to: old)
  }

  /// Of files as of the samples themselves, to the bit.
  @Test func metricsAreThoseOfOneProcess() throws {
    let folder = try TemporaryFolder()
    let model = try CalibrationModel().model
    let images = CalibrationModel.images(23)
    let paths = ["a", "b"].map { folder.path($0) }
    try Self.write(model, CalibrationSamples(Array(images[..<10]), total: 23), to: paths[0])
    try Self.write(model, CalibrationSamples(Array(images[10...]), first: 10, total: 23), to: paths[1])
    let work = try LayerWork(model, CompressionOptions())
    let route = CalibrationRoute(model, work)
    var readings: [Int: LayerReading] = [:]
    for stop in route.stops { readings[stop.layer] = try LayerReading(work.layers[stop.layer], model) }
    let expected = try OutputMetrics(model, route, readings, CalibrationSamples(images), threads: 2)
    let source = MomentsSource(try MomentsSet(paths, of: model), work, model)
    #expect(expected.layers.count == work.groups.count)
    for (group, layers) in work.groups.enumerated() {
      let found = try #require(try source.layer(layers.cost.names[0])?.metric()?[0])
      #expect(found == expected.layers[group]?[0], "\(layers.cost.names[0])")
    }
  }

  /// A network that looks at four of sixteen responses is left as good as unchanged by files too, with inputs at hand or without.
  @Test func whatNobodyLooksAtCostsNothing() throws {
    let folder = try TemporaryFolder()
    let (model, samples, options) = try OutputMetricTests.fourOfSixteen()
    let paths = ["a", "b"].map { folder.path($0) }
    for (path, places) in zip(paths, [0..<7, 7..<20]) {
      let part = try CalibrationSamples(Array(samples.inputs[places]), first: places.lowerBound, total: 20)
      try Self.write(model, part, to: path)
    }
    func compress(_ paths: [String]) throws -> (error: Double, report: CompressionReport) {
      var small = model
      let seen = try MomentsCalibration(model, options, MomentsSet(paths, of: model))
      var report = try small.compress(ModelCandidates(model, seen.options))
      report.calibration = seen.report
      var difference = OutputDifference()
      let made = try [model, small].map { try CalibrationPiece($0, threads: 1).run(samples.inputs) }
      for (a, b) in zip(made[0], made[1]) { difference.add(a["z"], b["z"]) }
      return (difference.relativeSquared.squareRoot(), report)
    }
    let own = try compress(paths)
    #expect(own.report.layers[0].isFactored)
    #expect(own.error < 0.01, "\(own.error)")
    // Twelve responses out of sight count a hundredth each.
    #expect(try #require(own.report.allocation).squaredError.squareRoot() < 0.2)
    #expect(try #require(own.report.calibration).notWeighed == nil)
    // Without gradients all sixteen share the ranks.
    let old = paths.map { $0 + ".old" }
    for (path, old) in zip(paths, old) { try Self.writeOld(path, to: old) }
    let plain = try compress(old)
    #expect(plain.error > 0.3, "\(plain.error)")
    #expect(try #require(plain.report.calibration?.notWeighed).contains("made before"))

    let seen = try MomentsCalibration(model, options, MomentsSet(paths, of: model))
    var small = model
    let report = try small.compress(
      ModelCandidates(model, seen.options), calibration: seen.asymmetric(model, samples))
    let calibration = try #require(report.calibration)
    #expect(calibration.notWeighed == nil && calibration.outputs[0].relativeError < 0.01)
    #expect(calibration.outputs[0].rejectedError == nil, "\(calibration.outputs[0])")
  }

  /// Files with gradients and without do not add up, and neither do those of several outputs and one.
  @Test func mixturesAreRefused() throws {
    let folder = try TemporaryFolder()
    let model = try CalibrationModel().model
    let images = CalibrationModel.images(11)
    let paths = ["a", "b"].map { folder.path($0) }
    try Self.write(model, CalibrationSamples(Array(images[..<5]), total: 11), to: paths[0])
    try Self.write(model, CalibrationSamples(Array(images[5...]), first: 5, total: 11), to: paths[1])
    try Self.writeOld(paths[1], to: folder.path("old"))
    for mixed in [[paths[0], folder.path("old")], [folder.path("old"), paths[0]]] {
      #expect {
        try MomentsSet(mixed, of: model)
      } throws: {
        "\($0)".contains("\(mixed[1]): it holds") && "\($0)".contains("made by an earlier version")
          && "\($0)".contains("the gradients of 2 outputs")
      }
    }
  }

  /// Where an operator has no gradient files say so, for every layer whichever of them they hold.
  @Test func withoutGradients() throws {
    let folder = try TemporaryFolder()
    var model = try CalibrationModel().model
    model.main.nodes.append(Node(name: "odd", opType: "Floor", inputs: ["map"], outputs: ["floor"]))
    model.main.outputs[0] = ValueInfo(name: "floor")
    let images = CalibrationModel.images(11)
    for layers in [nil, "scores"] {
      var options = CompressionOptions()
      options.layers = layers
      var files = FileTransaction()
      _ = try model.writeMoments(
        of: CalibrationSamples(images), sampling: "", options, to: folder.path("a"), in: &files)
      try files.commit()
      let set = try MomentsSet([folder.path("a")], of: model)
      #expect(try #require(set.notWeighed).contains("odd"))
      _ = try MomentsCalibration(model, CalibrationModel.options(0.5), set)
    }
  }

  /// A probed error counts in the metric, as what it is relative to does: by the definition, from the errors themselves.
  @Test func weightsAreInTheMetric() throws {
    var generator = SeededGenerator(seed: 9)
    let errors: Tensor<Double> = generator.tensor([40, 5])
    let gradients: Tensor<Double> = generator.tensor([3, 5])
    let metric = try #require(ResponseMetric(gram: matrixProduct(gradients, gradients, transposeA: true)))
    var layer = BinnedLayer(groups: 1, patch: 2, responses: 5)
    layer.probes = [
      ProbedSample(
        number: 0, response: errors.squaredNorm, elements: 200,
        outputs: [.init(count: 10, squared: 3, sum: 0, energy: 12)])
    ]
    layer.weighing = .init(
      gradients: LayerGradients(outputs: 1, groups: 1, responses: 5), errors: [BinnedSums(count: 15)])
    let isAdded = layer.weighing?.errors[0].add(
      matrixProduct(errors, errors, transposeA: true).upperTriangle)
    #expect(isAdded == true)
    let size = metric.weighed(responses: errors).squaredNorm
    let found = try #require(layer.weight(variance: 7, metric: LayerMetric([metric])))
    #expect(abs(found - 3.0 / 12 / (size / (7 * 40))) < 1e-9)
    let plain = try #require(layer.weight(variance: 7, metric: nil))
    #expect(abs(plain - 3.0 / 12 / (errors.squaredNorm / (7 * 40))) < 1e-9)
  }
}
