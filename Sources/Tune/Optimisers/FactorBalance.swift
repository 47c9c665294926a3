import Gradients
import ModelGraph
import Tensors

/// Pairs of convolutions one behind the other with nothing in between, one of them depthwise, as CP's stages are: a channel
/// between them may be scaled up in one and down in the other without a change of what they compute.
///
/// After `apply` each channel has the same norm on both sides, so that no component runs off against another and none
/// moves faster than its partners.
///
///     a_r = ||W1[r]||,  b_r = ||W2[:, r]||;   W1[r] sqrt(b_r / a_r),  W2[:, r] sqrt(a_r / b_r)
struct FactorBalance: Sendable {
  /// The kernels of the two, by name; whether the second is depthwise.
  private struct Pair: Sendable {
    let first: String
    let second: String
    let isSecondDepthwise: Bool
  }

  private let pairs: [Pair]

  init(_ graph: DifferentiableGraph) {
    let convolutions = graph.nodes.map(\.settings.node).filter { $0.opType == "Conv" && $0.inputs.count > 1 }
    let shapes = Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.start.shape) })
    var (readers, uses): ([String: Int], [String: Int]) = ([:], [:])
    for node in graph.nodes.map(\.settings.node) {
      for name in node.inputs { readers[name, default: 0] += 1 }
    }
    for node in convolutions { uses[node.inputs[1], default: 0] += 1 }
    func isDepthwise(_ node: Node) -> Bool {
      guard let shape = shapes[node.inputs[1]] else { return false }
      return shape[1] == 1 && node.int("group", default: 1) == shape[0]
    }
    pairs = convolutions.compactMap { first in
      guard let value = first.outputs.first, first.input(2) == nil, readers[value] == 1,
        !graph.outputs.contains(value), uses[first.inputs[1]] == 1, shapes[first.inputs[1]] != nil,
        let second = convolutions.first(where: { $0.inputs[0] == value }), uses[second.inputs[1]] == 1,
        shapes[second.inputs[1]] != nil, isDepthwise(first) || isDepthwise(second),
        isDepthwise(second) || second.int("group", default: 1) == 1
      else { return nil }
      return Pair(first: first.inputs[1], second: second.inputs[1], isSecondDepthwise: isDepthwise(second))
    }
  }

  /// Balances all pairs, in the order of the network.
  func apply(to weights: inout [String: Tensor<Float>]) {
    for pair in pairs {
      guard var first = weights[pair.first], var second = weights[pair.second] else { continue }
      let channels = first.shape[0]
      for channel in 0..<channels {
        let (a, b) = (
          first.norm(of: channel, axis: 0),
          second.norm(of: channel, axis: pair.isSecondDepthwise ? 0 : 1)
        )
        guard a > 0, b > 0, (a / b).isFinite, (b / a).isFinite else { continue }
        let scale = (b / a).squareRoot()
        first.scale(channel, axis: 0, by: Float(scale))
        second.scale(channel, axis: pair.isSecondDepthwise ? 0 : 1, by: Float(1 / scale))
      }
      weights[pair.first] = first
      weights[pair.second] = second
    }
  }
}

extension Tensor where Element == Float {
  /// The norm of what has an index along an axis.
  fileprivate func norm(of index: Int, axis: Int) -> Double {
    var sum = 0.0
    withSpan { x in forEach(index, axis) { sum += Double(x[$0]) * Double(x[$0]) } }
    return sum.squareRoot()
  }

  /// Multiplies what has an index along an axis.
  fileprivate mutating func scale(_ index: Int, axis: Int, by factor: Float) {
    let shape = shape
    withMutableSpan { x in
      Self.forEach(index, axis, shape) { x[$0] *= factor }
    }
  }

  private func forEach(_ index: Int, _ axis: Int, _ body: (Int) -> Void) {
    Self.forEach(index, axis, shape, body)
  }

  private static func forEach(_ index: Int, _ axis: Int, _ shape: Shape, _ body: (Int) -> Void) {
    let inner = shape.strides[axis]
    for start in stride(from: index * inner, to: shape.count, by: inner * shape[axis]) {
      for i in start..<start + inner { body(i) }
    }
  }
}
