import Decompose
import Forms
import LinearAlgebra
import ModelGraph
import Network
import TestSupport
import Tensors
import Testing

@testable import Compress

/// What errors of a layer's responses count, from gradients.
@Suite struct OutputMetricTests {
  /// A convolution, or a matrix on either side, and what the network makes of its responses: each channel times a number of its
  /// own.
  private static func model(_ layer: String, scales: [Float]) throws -> ModelGraph {
    var generator = SeededGenerator(seed: 3)
    var graph = Graph()
    let isImage = layer == "Conv"
    let isLeft = layer == "left"
    graph.constants.append(
      Constant(
        name: "k", generator.tensor(isImage ? [6, 4, 3, 3] : isLeft ? [6, 4] : [4, 6], of: Float.self),
        type: .float32))
    let shape: Shape = isImage ? [6, 1, 1] : isLeft ? [6, 1] : [6]
    graph.constants.append(Constant(name: "s", Tensor(shape: shape, elements: scales), type: .float32))
    graph.nodes = [
      isImage
        ? Node(opType: "Conv", inputs: ["x", "k"], outputs: ["y"])
        : Node(opType: "MatMul", inputs: isLeft ? ["k", "x"] : ["x", "k"], outputs: ["y"]),
      Node(opType: "Mul", inputs: ["y", "s"], outputs: ["z"]),
    ]
    let open = ValueInfo.Dimension.open
    let dimensions =
      isImage ? [open, .known(4), open, open] : isLeft ? [.known(4), open] : [open, .known(4)]
    graph.inputs = [ValueInfo(name: "x", type: .tensor(.float32, shape: dimensions))]
    graph.outputs = [ValueInfo(name: "z")]
    let model = ModelGraph(
      path: "built.onnx", main: graph, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
    try model.validate()
    return model
  }

  /// By the definition: signs of the outputs go back as each channel's number times a sign, so that the sum of g g' over p
  /// positions has the numbers' squares on its diagonal, and beside it random walks of p steps.
  @Test(arguments: ["Conv", "right", "left"]) func gradientsAreThoseOfTheChannels(layer: String) throws {
    let scales: [Float] = [1, -2, 0.5, 4, 0, 3]
    let model = try Self.model(layer, scales: scales)
    var generator = SeededGenerator(seed: 6)
    let shape: Shape = layer == "Conv" ? [1, 4, 12, 10] : layer == "left" ? [4, 80] : [80, 4]
    let samples = try CalibrationSamples(
      (0..<10).map { _ in ["x": NetworkTensor(generator.tensor(shape, of: Float.self))] })
    let options = CompressionOptions()
    let work = try LayerWork(model, options)
    let reading = try LayerReading(work.layers[0], model)
    let metrics = OutputMetrics(
      model, CalibrationRoute(model, work), [0: reading], samples, variations: ["z": 7], threads: 2)
    #expect(metrics.obstacle == nil)
    let metric = try #require(metrics.layers[0]?[0])
    // Rows of the metric's square, from unit responses.
    let unit = Tensor<Double>(
      shape: [6, 6], elements: (0..<36).map { $0 % 7 == 0 ? 1 : 0 })
    let root = metric.weighed(responses: unit)
    let square = matrixProduct(root, root, transposeA: true)
    let mean = scales.reduce(0.0) { $0 + Double($1 * $1) } / 6
    for i in 0..<6 {
      for j in 0..<6 {
        let expected = i == j ? 0.99 * Double(scales[i] * scales[j]) / mean + 0.01 : 0
        // 8 samples of 80 positions or more, two seeds each: five deviations of a random walk.
        let spread = i == j ? 1e-5 : 5 * Double(abs(scales[i] * scales[j])) / mean / 1280.0.squareRoot()
        #expect(abs(square[i, j] - expected) <= spread + 1e-9, "\(i), \(j): \(square[i, j]) for \(expected)")
      }
    }
  }

  /// Where outputs are several, each counts by what it varies; and both uses of a kernel that layers share count.
  @Test func outputsAndUsesAdd() throws {
    let model = try CalibrationModel().model
    let samples = try CalibrationSamples(CalibrationModel.images(24))
    let work = try LayerWork(model, CompressionOptions())
    let route = CalibrationRoute(model, work)
    var readings: [Int: LayerReading] = [:]
    for stop in route.stops { readings[stop.layer] = try LayerReading(work.layers[stop.layer], model) }
    func metrics(_ variations: [String: Double], threads: Int = 1) -> OutputMetrics {
      OutputMetrics(model, route, readings, samples, variations: variations, threads: threads)
    }
    let both = metrics(["map": 2, "scores": 3])
    #expect(Set(both.layers.keys) == Set(route.stops.map(\.group)))
    let again = metrics(["map": 2, "scores": 3], threads: 4)
    let map = metrics(["map": 2, "scores": 1e30])
    let shared = try #require(route.stops.last { work.groups[$0.group].members.count > 1 })
    readings[shared.layer] = nil
    let oneUse = metrics(["map": 2, "scores": 3])
    #expect(oneUse.layers[shared.group]?[0] != both.layers[shared.group]?[0])
    for group in both.layers.keys {
      #expect(both.layers[group]?[0] == again.layers[group]?[0], "threads change the sums of \(group)")
    }
    // The matrix makes scores alone, the last kernel the map alone.
    for stop in route.stops {
      let (group, name) = (stop.group, work.layers[stop.layer].name)
      let alone = name == "map" || name == "scores"
      let differs = try #require(both.layers[group]?[0]) != (try #require(map.layers[group]?[0]))
      #expect(alone || differs, "\(name)")
    }
  }

  /// Sums in a metric are sums of the responses in its coordinates.
  @Test func sumsAreOfWeighedResponses() throws {
    var generator = SeededGenerator(seed: 8)
    let gradients: Tensor<Double> = generator.tensor([9, 5])
    let metric = try #require(
      ResponseMetric(gram: matrixProduct(gradients, gradients, transposeA: true)))
    let patches: Tensor<Double> = generator.tensor([700, 7])
    let responses: Tensor<Double> = generator.tensor([700, 5])
    func moments(_ responses: Tensor<Double>, _ metric: ResponseMetric?) -> ResponseMoments {
      var sums = MomentSums(patch: 7, responses: 5, metric: metric, threads: 1)
      sums.add(0..<700) { position, row, x, y in
        for i in 0..<7 { x[row * 7 + i] = patches[position, i] }
        for t in 0..<5 { y[row * 5 + t] = responses[position, t] }
      }
      return sums.moments()
    }
    let own = moments(responses, metric)
    let expected = moments(metric.weighed(responses: responses), nil)
    #expect(own.patchGram == expected.patchGram)
    for (a, b) in zip(own.crossGram.elements, expected.crossGram.elements) { #expect(abs(a - b) < 1e-10) }
    for (a, b) in zip(own.responseEnergy, expected.responseEnergy) { #expect(abs(a - b) < 1e-10) }
  }

  /// A network that looks at four of sixteen responses alone is left as good as unchanged by as many ranks, in the first pass as in
  /// the second.
  @Test func whatNobodyLooksAtCostsNothing() throws {
    var generator = SeededGenerator(seed: 3)
    var graph = Graph()
    let kernel = generator.tensor([16, 12, 3, 3], of: Float.self)
    let seen = Tensor<Float>(shape: [1, 16, 1, 1], elements: (0..<16).map { $0 % 4 == 1 ? 1 : 0 })
    graph.constants.append(Constant(name: "k", kernel, type: .float32))
    graph.constants.append(Constant(name: "s", seen, type: .float32))
    graph.nodes = [
      Node(name: "y", opType: "Conv", inputs: ["x", "k"], outputs: ["y"]),
      Node(opType: "Mul", inputs: ["y", "s"], outputs: ["z"]),
    ]
    let open = ValueInfo.Dimension.open
    graph.inputs = [ValueInfo(name: "x", type: .tensor(.float32, shape: [open, .known(12), open, open]))]
    graph.outputs = [ValueInfo(name: "z")]
    let model = ModelGraph(
      path: "built.onnx", main: graph, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
    let samples = try CalibrationSamples(
      (0..<20).map { _ in ["x": NetworkTensor(generator.tensor([1, 12, 12, 12], of: Float.self))] })
    // Rank 5 of 16.
    var options = CalibrationModel.options(0.36)
    options.inputShapes = ["x": [1, 12, 12, 12]]
    let calibration = try Calibration(model, options, samples: samples)
    var small = model
    let report = try small.compress(
      ModelCandidates(model, calibration.options), calibration: calibration)
    let outputs = try #require(report.calibration).outputs
    #expect(report.layers[0].isFactored)
    #expect(outputs[0].relativeError < 0.01, "\(outputs[0])")
    // What was foretold is as small: twelve responses out of sight count a hundredth each.
    #expect(try #require(outputs[0].predictedError) < 0.2, "\(outputs[0])")
  }

  /// An operator without a gradient behind a layer: all errors count alike, and the report says why.
  @Test func withoutGradients() throws {
    var model = try Self.model("Conv", scales: [1, 2, 3, 4, 5, 6])
    model.main.nodes.append(Node(name: "odd", opType: "Floor", inputs: ["z"], outputs: ["floor"]))
    model.main.outputs = [ValueInfo(name: "floor")]
    var generator = SeededGenerator(seed: 6)
    let samples = try CalibrationSamples(
      (0..<10).map { _ in ["x": NetworkTensor(generator.tensor([1, 4, 9, 8], of: Float.self))] })
    let work = try LayerWork(model, CompressionOptions())
    let metrics = try OutputMetrics(
      model, CalibrationRoute(model, work), [0: LayerReading(work.layers[0], model)], samples,
      variations: ["floor": 1], threads: 1)
    #expect(metrics.layers.isEmpty)
    #expect(try #require(metrics.obstacle).contains("odd"))
  }
}
