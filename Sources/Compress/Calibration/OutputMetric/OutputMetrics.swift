import Decompose
import ModelGraph

/// What errors of each layer's responses do to the outputs of the network, to first order.
///
///     M = sum over the outputs of sum of g g' / what the output varies
///
/// with gradients g of random signs of an output with respect to the responses (see `OutputGradients`). Over the signs, e' M e
/// is the mean squared change of the outputs that an error e there brings, each relative to what it varies, so far as changes are
/// linear and positions independent. What it leaves out of a layer as a whole, `OutputProbe` measures.
///
/// Where a way from a layer to an output has an operator without a gradient, all errors count alike in every layer.
///
/// **Source** Martens and Grosse arXiv 1503.05671 (curvature from sampled gradients).
struct OutputMetrics {
  /// By group of layers that share a kernel; none where their errors count alike.
  private(set) var layers: [Int: LayerMetric] = [:]
  /// Why there are none.
  private(set) var obstacle: String?

  /// The metrics of the layers at the stops of a route that can be read.
  ///
  /// **Complexity** about three runs of the network for each of some samples (see `OutputGradients`), and for each layer an
  /// eigenproblem of order T a group.
  init(
    _ model: ModelGraph, _ route: CalibrationRoute, _ readings: [Int: LayerReading],
    _ samples: CalibrationSamples, threads: Int
  ) throws(CompressError) {
    guard !readings.isEmpty else { return }
    let gradients = try OutputGradients(
      model, readings.values.map(\.output), readings, samples, threads: threads)
    obstacle = gradients.obstacle
    for group in Set(route.stops.map(\.group)) {
      // Uses of one kernel are fitted together.
      let uses = route.stops.filter { $0.group == group }.map(\.layer)
      let found = uses.compactMap { gradients.layers[$0] }
      guard !found.isEmpty, let reading = uses.lazy.compactMap({ readings[$0] }).first else { continue }
      layers[group] = LayerMetric(uses: found, groups: reading.layer.groups, responses: reading.responses)
    }
  }
}
