import Decompose
import Tensors

/// What errors of a layer's responses count, group by group of its channels.
struct LayerMetric: Sendable {
  private let groups: [ResponseMetric?]

  init(_ groups: [ResponseMetric?]) { self.groups = groups }

  /// The metric of a kernel by the gradients of all its uses, which are fitted together; nil where all errors count alike.
  init?(uses: [LayerGradients], groups: Int, responses: Int) {
    self.groups = (0..<groups).map { group in
      var triangle = [Double](repeating: 0, count: triangleCount(order: responses))
      for use in uses { use.add(group: group, to: &triangle) }
      return ResponseMetric(gram: Tensor(upperTriangle: triangle, order: responses))
    }
    guard self.groups.contains(where: { $0 != nil }) else { return nil }
  }

  /// Nil where all errors of a group count alike.
  subscript(group: Int) -> ResponseMetric? { groups[group] }
}
