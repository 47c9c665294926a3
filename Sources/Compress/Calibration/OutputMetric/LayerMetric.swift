import Decompose

/// What errors of a layer's responses count, group by group of its channels.
struct LayerMetric: Sendable {
  private let groups: [ResponseMetric?]

  init(_ groups: [ResponseMetric?]) { self.groups = groups }

  /// Nil where all errors of a group count alike.
  subscript(group: Int) -> ResponseMetric? { groups[group] }
}
