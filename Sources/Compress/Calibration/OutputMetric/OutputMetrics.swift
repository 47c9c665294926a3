import Conv
import Decompose
import Gradients
import ModelGraph
import Network
import Tensors

/// What errors of each layer's responses do to the outputs of the network, to first order.
///
/// A few samples go forward through the original network, and random signs v back from its outputs y (in front of a Softmax
/// or Sigmoid: see `NetworkAnswers`), each output's by what it varies:
///
///     M = sum of g g',   g = the gradient of <v, y> with respect to the responses at a position
///
/// Over the signs, e' M e is the mean squared change of the outputs that an error e there brings, so far as changes are linear and
/// positions independent. What it leaves out of a layer as a whole, `OutputProbe` measures.
///
/// Where a way from a layer to an output has an operator without a gradient, all errors count alike in every layer.
///
/// **Source** Martens and Grosse arXiv 1503.05671 (curvature from sampled gradients).
struct OutputMetrics {
  /// By group of layers that share a kernel; none where their errors count alike.
  private(set) var layers: [Int: LayerMetric] = [:]
  /// Why there are none.
  private(set) var obstacle: String?

  /// Backward runs of a sample.
  private static var seeds: Int { 2 }
  /// Samples: as many as have so many elements together, between these bounds.
  private static var elements: Int { 1 << 22 }
  private static var bounds: ClosedRange<Int> { 8...256 }

  /// The metrics of the layers at the stops of a route that can be read.
  ///
  /// `variations` are those of the answers that networks are compared by.
  ///
  /// **Complexity** about three runs of the network a sample, on one thread each.
  init(
    _ model: ModelGraph, _ route: CalibrationRoute, _ readings: [Int: LayerReading],
    _ samples: CalibrationSamples, variations: [String: Double], threads: Int
  ) {
    guard !variations.isEmpty, !readings.isEmpty else { return }
    let places = Self.places(samples)
    do throws(GradientError) {
      let graphs = try Self.graphs(
        model, samples, places, values: readings.values.map(\.output), outputs: Array(variations.keys))
      let found = try inParallel(places.count, threads: threads, into: [Int: LayerGradients]()) {
        (index) throws(GradientError) in
        let input = samples.inputs[places[index]]
        guard let graph = graphs[input.mapValues(\.shape)] else { return [:] }
        return try Self.gradients(graph, input, number: samples.number(places[index]), readings, variations)
      } collect: { (sums: inout [Int: LayerGradients], one: [Int: LayerGradients]) in
        for (layer, gradients) in one {
          if sums[layer] == nil { sums[layer] = gradients } else { sums[layer]?.add(gradients) }
        }
      }
      for group in Set(route.stops.map(\.group)) {
        // Uses of one kernel are fitted together.
        let uses = route.stops.filter { $0.group == group }.map(\.layer)
        var sum: LayerGradients?
        for use in uses.compactMap({ found[$0] }) { if sum == nil { sum = use } else { sum?.add(use) } }
        layers[group] = sum?.metric
      }
    } catch { obstacle = error.description }
  }

  /// Samples that are fitted to, spread over all of them.
  private static func places(_ samples: CalibrationSamples) -> [Int] {
    let all = samples.inputs.indices.filter { !samples.isHeldOut($0) }
    let size = samples.inputs[0].values.reduce(0) { $0 + $1.shape.count }
    let wanted = min(bounds.upperBound, max(bounds.lowerBound, elements / max(1, size)))
    guard all.count > wanted else { return all }
    return (0..<wanted).map { all[$0 * all.count / wanted] }
  }

  /// The network run backward to the layers' responses, for every shape that samples have.
  private static func graphs(
    _ model: ModelGraph, _ samples: CalibrationSamples, _ places: [Int], values: [String], outputs: [String]
  ) throws(GradientError) -> [[String: Shape]: ValueGradients] {
    var graphs: [[String: Shape]: ValueGradients] = [:]
    for place in places {
      let shapes = samples.inputs[place].mapValues(\.shape)
      if graphs[shapes] == nil {
        graphs[shapes] = try ValueGradients(model, inputShapes: shapes, of: values, outputs: outputs)
      }
    }
    return graphs
  }

  /// What one sample says of the layers.
  private static func gradients(
    _ graph: ValueGradients, _ input: [String: NetworkTensor], number: Int, _ readings: [Int: LayerReading],
    _ variations: [String: Double]
  ) throws(GradientError) -> [Int: LayerGradients] {
    let layers = Dictionary(uniqueKeysWithValues: readings.map { ($1.output, $0) })
    var found: [Int: LayerGradients] = [:]
    try graph.run(input) { outputs throws(GradientError) in
      (0..<seeds).map { seed in signs(for: outputs, variations, number: number * seeds + seed) }
    } collect: { value, seed, gradient in
      guard let layer = layers[value], let reading = readings[layer] else { return }
      found[layer, default: LayerGradients(reading)]
        .add(gradient, seed: UInt64(reading.layer.node) << 32 | UInt64(number * seeds + seed))
    }
    return found
  }

  /// Random signs, such that each output counts by what it varies.
  private static func signs(
    for outputs: [String: Tensor<Float>], _ variations: [String: Double], number: Int
  ) -> [String: Tensor<Float>] {
    var generator = SeededGenerator(seed: UInt64(number))
    var signs: [String: Tensor<Float>] = [:]
    for (name, values) in outputs.sorted(by: { $0.key < $1.key }) {
      guard let variation = variations[name] else { continue }
      let size = Float(1 / variation.squareRoot())
      signs[name] = Tensor(shape: values.shape) { signs in
        for place in signs.indices { signs[place] = generator.next() & 1 == 0 ? size : -size }
      }
    }
    return signs
  }
}
