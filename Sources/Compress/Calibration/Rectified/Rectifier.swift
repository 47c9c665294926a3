import ModelGraph

/// A function that a layer's response goes through before anything looks at it: ReLU, a leaky one or a clip.
///
///     r(z) = low + slope (z - low)  for z < low,   z in between,   high  for z > high
struct Rectifier: Hashable, Sendable {
  /// 0 for ReLU and clips.
  let slope: Float
  let low: Float
  let high: Float

  /// The part of a step towards r's target that staying where z is counts for.
  private static let inertia: Float = 0.01

  func callAsFunction(_ z: Float) -> Float {
    z < low ? low + slope * (z - low) : min(z, high)
  }

  /// The argument that comes nearest to a value of r without going far from `start`:
  ///
  ///     argmin over z of  (r(z) - value)² + (z - start)² / 100
  ///
  /// each of r's three pieces having its own least one. Where a ReLU should give 0 and does, that is `start` itself: how far below 0
  /// a response is says nothing.
  ///
  /// **Source** Zhang et al. arXiv 1505.06798, section 3.3, equation 12 and the two problems behind it.
  func argument(for value: Float, near start: Float) -> Float {
    let inertia = Self.inertia
    func loss(_ z: Float, _ response: Float) -> Float {
      (response - value) * (response - value) + inertia * (z - start) * (z - start)
    }
    let between = max(low, min(high, (inertia * start + value) / (inertia + 1)))
    let offset = low - slope * low
    let below = min(low, (inertia * start + slope * (value - offset)) / (inertia + slope * slope))
    let above = max(high, start)
    var best = (z: between, loss: loss(between, between))
    for (z, response) in [(below, offset + slope * below), (above, high)] {
      let other = loss(z, response)
      if other < best.loss { best = (z, other) }
    }
    return best.z
  }
}

extension ModelGraph {
  /// What everything that takes a value puts it through first; nil where something takes it as it is. Pools of greatest elements
  /// may lie in between: they and a rectifier may change places.
  func rectifier(behind value: String, _ index: GraphIndex) -> Rectifier? {
    guard !index.outputs.contains(value), !index.namesInBodies.contains(value) else { return nil }
    let found = Set((index.consumers[value] ?? []).map { rectifier(of: main.nodes[$0], index) })
    return found.count == 1 ? found.first ?? nil : nil
  }

  private func rectifier(of node: Node, _ index: GraphIndex) -> Rectifier? {
    guard node.isStandard, node.outputs.filter({ !$0.isEmpty }).count == 1 else { return nil }
    switch node.opType {
    case "Relu": return Rectifier(slope: 0, low: 0, high: .infinity)
    case "LeakyRelu":
      let slope = node.float("alpha", default: 0.01)
      return (0..<1).contains(slope) ? Rectifier(slope: slope, low: 0, high: .infinity) : nil
    case "Clip":
      guard let low = bound(node, 1, "min", index), let high = bound(node, 2, "max", index), low < high,
        low.isFinite
      else { return nil }
      return Rectifier(slope: 0, low: low, high: high)
    case "MaxPool", "GlobalMaxPool", "Identity": return rectifier(behind: node.outputs[0], index)
    default: return nil
    }
  }

  /// A bound of a Clip: an attribute before version 11, then an input; nil where it is computed.
  private func bound(_ clip: Node, _ place: Int, _ name: String, _ index: GraphIndex) -> Float? {
    let missing: Float = place == 1 ? -.infinity : .infinity
    guard let input = clip.input(place) else { return clip.float(name, default: missing) }
    return index.number(input, in: main)
  }
}
