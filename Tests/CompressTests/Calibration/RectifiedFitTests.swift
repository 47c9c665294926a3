import Decompose
import Forms
import LinearAlgebra
import ModelGraph
import Network
import Tensors
import TestSupport
import Testing

@testable import Compress

/// A layer with a ReLU behind it, fitted to what is seen of it there.
@Suite struct RectifiedFitTests {
  /// Layers whose responses are read in different ways, and the forms they are brought into.
  static let cases: [(layer: String, form: FactoredForm)] = [
    ("Conv", FactoredForm(.channel, ranks: [3])), ("Conv", .tucker2(outputRank: 4, inputRank: 3)),
    ("grouped", FactoredForm(.channel, ranks: [2])), ("Gemm", FactoredForm(.svd, ranks: [3])),
  ]

  /// The errors claimed are those of the network with the factors in it, on the inputs held out and behind the ReLU; and they are
  /// less than those of the fit that knows of no ReLU. So also where they count unlike.
  @Test(arguments: cases, [false, true])
  func errorsBehindTheRectifierFall(_ test: (layer: String, form: FactoredForm), isWeighed: Bool) throws {
    let (layer, form) = test
    let metric = isWeighed ? try Self.metric(groups: layer == "grouped" ? 2 : 1) : nil
    let model = try Self.model(layer)
    let isMatrix = layer == "Gemm"
    let samples = try CalibrationSamples(Self.inputs(isMatrix ? 500 : 20, isMatrix: isMatrix))
    var options = CompressionOptions()
    options.method = .only(form.kind)
    options.rankMultiple = 1
    let work = try LayerWork(model, options)
    let reading = try LayerReading(work.layers[0], model)
    var collector = MomentsCollector(
      reading, samples, metric: metric, threads: 1, keepsRows: true)
    let network = try Network(model)
    for (place, input) in samples.inputs.enumerated() {
      let made = try network.run(input, outputs: ["y"])
      let isRead = collector.add(sample: place, input: input["x"], response: made["y"])
      #expect(isRead)
    }
    let (moments, rows) = collector.finish()
    let kernel = try model.layerKernel(of: work.layers[0])
    let cost = work.groups[0].cost
    let fit = try ResponseFit(kernel.values, moments, metric: metric, fitsBias: reading.fitsBias)
    options.error = fit
    let planner = LayerPlanner(options: options)
    guard case .factor(let start) = planner.factor(kernel, form, cost: cost) else {
      Issue.record("\(form) was not found")
      return
    }
    let rectified = RectifiedFit(
      planner: planner, kernel: kernel, form: form, cost: cost, reading: reading,
      rectifier: try #require(model.rectifier(behind: "y", GraphIndex(model.main))), metric: metric,
      moments: moments, rows: try #require(rows))
    let better = rectified.improved(start, ridgeParts: fit.problems.map(\.ridgePart))

    let held = samples.inputs.indices.filter(samples.isHeldOut).map { samples.inputs[$0] }
    let before = try Self.error(of: start, in: model, on: held, metric)
    let after = try Self.error(of: better, in: model, on: held, metric)
    let claimed = try #require(better.response?.heldOutError)
    // Both sum up the same responses, each to the rounding of Float.
    #expect(abs(claimed - after) <= 1e-4 * after, "\(claimed) claimed, \(after) found")
    #expect(after < 0.98 * before, "\(before) before, \(after) after")
  }

  /// A layer with its ReLU: y = K x + b, z = relu(y).
  private static func model(_ layer: String) throws -> ModelGraph {
    var generator = SeededGenerator(seed: 5)
    var graph = Graph()
    let shape: Shape = ["Conv": [16, 6, 3, 3], "grouped": [16, 3, 3, 3], "Gemm": [16, 24]][layer] ?? [1]
    // Most responses are hidden: what the layer adds is about as far below 0 as they spread.
    let bias = generator.tensor([16], of: Float.self).elements.map { $0 - (layer == "Gemm" ? 1 : 3) }
    graph.constants.append(Constant(name: "k", generator.tensor(shape, of: Float.self), type: .float32))
    graph.constants.append(Constant(name: "b", Tensor(shape: [16], elements: bias), type: .float32))
    let attributes: [Attribute] =
      layer == "Gemm"
      ? [Attribute("alpha", .float(-0.5)), Attribute("beta", .float(2)), Attribute("transB", .int(1))]
      : [Attribute("pads", .ints([1, 1, 1, 1])), Attribute("group", .int(layer == "grouped" ? 2 : 1))]
    graph.nodes = [
      Node(
        opType: layer == "Gemm" ? layer : "Conv", inputs: ["x", "k", "b"], outputs: ["y"],
        attributes: attributes),
      Node(opType: "Relu", inputs: ["y"], outputs: ["z"]),
    ]
    let dimensions: [ValueInfo.Dimension] =
      layer == "Gemm" ? [.open, .known(24)] : [.open, .known(6), .open, .open]
    graph.inputs = [ValueInfo(name: "x", type: .tensor(.float32, shape: dimensions))]
    graph.outputs = [ValueInfo(name: "z")]
    return try graph.built()
  }

  private static func inputs(_ count: Int, isMatrix: Bool) -> [[String: NetworkTensor]] {
    var generator = SeededGenerator(seed: 6)
    return (0..<count).map { _ in
      ["x": NetworkTensor(generator.tensor(isMatrix ? [4, 24] : [1, 6, 14, 14], of: Float.self))]
    }
  }

  /// Gradients of lengths from 1 to 16 that go together.
  private static func metric(groups: Int) throws -> LayerMetric {
    var generator = SeededGenerator(seed: 9)
    return LayerMetric(
      try (0..<groups).map { _ -> ResponseMetric in
        let channels = 16 / groups
        var gradients: Tensor<Double> = generator.tensor([channels + 3, channels])
        gradients.withMutableSpan { span in
          for place in span.indices { span[place] *= Double(1 + place % channels) }
        }
        return try #require(ResponseMetric(gram: matrixProduct(gradients, gradients, transposeA: true)))
      })
  }

  /// The relative error of z with the factors in the network, about the means of its channels.
  private static func error(
    of factors: LayerFactors, in model: ModelGraph, on inputs: [[String: NetworkTensor]],
    _ metric: LayerMetric?
  ) throws -> Double {
    var small = model
    small.replace([
      LayerReplacement(
        layer: try #require(try model.layers().first), form: factors.form, weights: factors.weights,
        biasShift: factors.biasShift)
    ])
    let networks = try [model, small].map { try Network($0) }
    var rows: [(wanted: [Double], made: [Double])] = []
    for input in inputs {
      let made = try networks.map { try #require(try $0.run(input)["z"]?.floats) }
      let inner = made[0].shape.order == 2 ? 1 : made[0].count / 16
      for position in 0..<made[0].count / 16 {
        let channels = (0..<16).map { position / inner * 16 * inner + $0 * inner + position % inner }
        rows.append((channels.map { Double(made[0][flat: $0]) }, channels.map { Double(made[1][flat: $0]) }))
      }
    }
    let means = (0..<16).map { t in rows.reduce(0) { $0 + $1.wanted[t] } / Double(rows.count) }
    let groups = metric == nil || metric?[0]?.responses == 16 ? 1 : 2
    func energy(_ differences: [[Double]]) -> Double {
      (0..<groups).reduce(0) { sum, group in
        let channels = group * 16 / groups..<(group + 1) * 16 / groups
        let part = Tensor(
          shape: [differences.count, channels.count], elements: differences.flatMap { $0[channels] })
        return sum + (metric?[group]?.weighed(responses: part) ?? part).squaredNorm
      }
    }
    let error = energy(rows.map { zip($0.wanted, $0.made).map { $0 - $1 } })
    return (error / energy(rows.map { zip($0.wanted, means).map { $0 - $1 } })).squareRoot()
  }
}

extension Tensor {
  /// The element at a place in memory.
  fileprivate subscript(flat place: Int) -> Element { withSpan { $0[place] } }
}
