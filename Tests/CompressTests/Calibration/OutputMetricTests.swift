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
    return try graph.built()
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
    let metrics = try OutputMetrics(
      model, CalibrationRoute(model, work), [0: reading], samples, threads: 2)
    #expect(metrics.obstacle == nil)
    let metric = try #require(metrics.layers[0]?[0])
    // Rows of the metric's square, from unit responses.
    let root = metric.weighed(responses: Self.identity(6))
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

  /// Where outputs are several, each counts by what it varies, so that a unit changes nothing; and both uses of a kernel that
  /// layers share count.
  @Test func outputsAndUsesAdd() throws {
    let model = try CalibrationModel().model
    let samples = try CalibrationSamples(CalibrationModel.images(24))
    let work = try LayerWork(model, CompressionOptions())
    let route = CalibrationRoute(model, work)
    var readings: [Int: LayerReading] = [:]
    for stop in route.stops { readings[stop.layer] = try LayerReading(work.layers[stop.layer], model) }
    func metrics(_ model: ModelGraph, threads: Int = 1) throws -> OutputMetrics {
      try OutputMetrics(model, route, readings, samples, threads: threads)
    }
    let both = try metrics(model)
    #expect(Set(both.layers.keys) == Set(route.stops.map(\.group)))
    let again = try metrics(model, threads: 4)
    for group in both.layers.keys {
      #expect(both.layers[group]?[0] == again.layers[group]?[0], "threads change the sums of \(group)")
    }
    var scaled = model
    scaled.main.constants.append(
      Constant(name: "unit", Tensor<Float>(shape: [1], repeating: 1000), type: .float32))
    scaled.main.nodes.append(Node(opType: "Mul", inputs: ["scores", "unit"], outputs: ["thousandths"]))
    scaled.main.outputs[1] = ValueInfo(name: "thousandths")
    let other = try metrics(scaled)
    for group in both.layers.keys {
      let (a, b) = (try #require(both.layers[group]?[0]), try #require(other.layers[group]?[0]))
      let unit = Self.identity(a.responses)
      for (x, y) in zip(a.weighed(responses: unit).elements, b.weighed(responses: unit).elements) {
        // Gradients are in Float, and signs behind a factor of 1000 rounded once more.
        #expect(abs(x - y) < 1e-5)
      }
    }
    let shared = try #require(route.stops.last { work.groups[$0.group].members.count > 1 })
    readings[shared.layer] = nil
    let oneUse = try metrics(model)
    #expect(oneUse.layers[shared.group]?[0] != both.layers[shared.group]?[0])
  }

  /// Each output has sums of its own: nothing where it does not depend on a layer.
  @Test func outputsAreKeptApart() throws {
    let model = try CalibrationModel().model
    let samples = try CalibrationSamples(CalibrationModel.images(11))
    let layers = try model.layers()
    let readings = Dictionary(
      uniqueKeysWithValues: try layers.indices.map { ($0, try LayerReading(layers[$0], model)) })
    let found = try OutputGradients(model, readings.values.map(\.output), readings, samples, threads: 2)
    #expect(found.outputs == ["map", "scores"])
    for (layer, gradients) in found.layers {
      let isZero = gradients.outputs.map { $0.grams[0].values.allSatisfy { $0 == 0 } }
      #expect(isZero == [layers[layer].name == "scores", layers[layer].name == "map"])
      #expect(gradients.outputs.map(\.answers.count) == [9 * 8 * 256, 9 * 12])
    }
  }

  /// The samples that are looked at are those of the whole set, whatever part is at hand; as many as their size allows, none
  /// that judges.
  @Test func samplesAreThoseOfTheWhole() throws {
    let large = ["x": NetworkTensor(Tensor<Float>(shape: [1, 1, 1024, 512]))]
    let other = ["x": NetworkTensor(Tensor<Float>(shape: [1, 1, 1024, 512], repeating: 1))]
    let whole = try CalibrationSamples([other] + [[String: NetworkTensor]](repeating: large, count: 40))
    let places = OutputGradients.places(whole)
    #expect(places.count == 8 && places.first == 0)
    #expect(places.allSatisfy { !whole.isHeldOut($0) })
    #expect(zip(places, places.dropFirst()).allSatisfy { (3...13).contains($1 - $0) })
    for (first, step) in [(0, 1), (7, 1), (30, 1), (1, 3)] {
      let numbers = Array(stride(from: first, to: 41, by: step).prefix(11))
      let part = try CalibrationSamples(
        [[String: NetworkTensor]](repeating: large, count: numbers.count), first: first, step: step, total: 41
      )
      #expect(OutputGradients.places(part).map(part.number) == places.filter(numbers.contains))
    }
    let small = try CalibrationSamples(CalibrationModel.images(41))
    #expect(OutputGradients.places(small) == small.inputs.indices.filter { !small.isHeldOut($0) })
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
    // Out of plain sums, where responses are those of a kernel; what a layer's arithmetic is off by counts for its square alone.
    let kernel = generator.tensor([5, 7], of: Float.self)
    let made = matrixProduct(patches, kernel.converted(to: Double.self), transposeB: true)
    let near = Tensor<Double>(shape: made.shape, elements: made.elements.map { $0 * (1 + 1e-6) })
    for responses in [made, near] {
      let weighed = metric.weighed(moments(responses, nil), kernel: kernel)
      let expected = moments(metric.weighed(responses: responses), nil)
      #expect(weighed.count == 700 && weighed.patchGram == expected.patchGram)
      for (a, b) in [
        (weighed.crossGram.elements, expected.crossGram.elements),
        (weighed.responseSum, expected.responseSum), (weighed.responseEnergy, expected.responseEnergy),
      ] {
        for (a, b) in zip(a, b) { #expect(abs(a - b) < 1e-10 * (expected.responseEnergy.max() ?? 0)) }
      }
    }
  }

  /// A network that looks at four of sixteen responses alone is left as good as unchanged by as many ranks, in the first pass as in
  /// the second.
  @Test func whatNobodyLooksAtCostsNothing() throws {
    let (model, samples, options) = try Self.fourOfSixteen()
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

  /// A layer of 16 responses behind which the network looks at four, samples for it, and a budget of rank 5.
  static func fourOfSixteen() throws -> (ModelGraph, CalibrationSamples, CompressionOptions) {
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
    let model = try graph.built()
    let samples = try CalibrationSamples(
      (0..<20).map { _ in ["x": NetworkTensor(generator.tensor([1, 12, 12, 12], of: Float.self))] })
    var options = CalibrationModel.options(0.36)
    options.inputShapes = ["x": [1, 12, 12, 12]]
    return (model, samples, options)
  }

  static func identity(_ order: Int) -> Tensor<Double> {
    Tensor(shape: [order, order], elements: (0..<order * order).map { $0 % (order + 1) == 0 ? 1 : 0 })
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
      threads: 1)
    #expect(metrics.layers.isEmpty)
    #expect(try #require(metrics.obstacle).contains("odd"))
  }
}
