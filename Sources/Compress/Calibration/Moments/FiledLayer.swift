import Decompose
import Tensors

/// What moments files hold of a kernel, use by use: the uses are fitted together.
struct FiledLayer: Sendable {
  private let uses: [BinnedLayer]

  /// **Traps** where there are none.
  init(uses: [BinnedLayer]) {
    precondition(!uses.isEmpty, "a kernel without uses")
    self.uses = uses
  }

  /// What errors of the responses count; nil where all count alike.
  ///
  /// **Complexity** an eigenproblem of order T a group.
  func metric() -> LayerMetric? {
    let gradients = uses.compactMap(\.weighing?.gradients)
    guard gradients.count == uses.count else { return nil }
    return LayerMetric(
      uses: gradients, groups: uses[0].groups.count, responses: uses[0].groups[0].fitted.responses)
  }

  /// The sums over all uses, in the coordinates of `metric`, and what an error of the kernel does to the network's outputs, all
  /// uses together; nil where that is not known.
  func sums(
    _ kernel: Tensor<Float>, _ metric: LayerMetric?
  ) -> (moments: LayerMoments, weight: Double?) {
    var (moments, weight): (LayerMoments?, Double?) = (nil, nil)
    for use in uses {
      let own = use.moments.weighed(by: metric, kernel: kernel)
      if let found = use.weight(variance: own.responseVariance, metric: metric) {
        weight = (weight ?? 0) + found
      }
      if moments == nil { moments = own } else { moments?.add(own) }
    }
    return (moments ?? LayerMoments(groups: []), weight)
  }

  /// The sums of one group over all uses, in the coordinates of its metric.
  ///
  /// **Shapes** `kernel` of the group.
  func sums(group: Int, _ kernel: Tensor<Float>, _ metric: ResponseMetric?) -> LayerMoments {
    let own = uses.map { $0.groups[group].moments.weighed(by: metric, kernel: kernel) }
    var moments = LayerMoments(groups: [own[0]])
    for more in own.dropFirst() { moments.add(LayerMoments(groups: [more])) }
    return moments
  }
}
