import Decompose
import Tensors

/// The sums over the data of one layer, group by group of its channels.
struct LayerMoments: Sendable {
  /// The sums of one group.
  struct Group: Sendable {
    /// Of the positions that are fitted to.
    var fitted: ResponseMoments
    /// Of the positions that only judge.
    var heldOut: ResponseMoments
  }

  var groups: [Group]

  /// The sums in the coordinates of a metric, of responses that a kernel makes of the same patches.
  ///
  /// **Shapes** `kernel` of all groups. **Complexity** see `ResponseMetric`.
  func weighed(by metric: LayerMetric?, kernel: Tensor<Float>) -> LayerMoments {
    guard let metric else { return self }
    let parts = kernel.parts(groups.count)
    return LayerMoments(
      groups: groups.indices.map { groups[$0].weighed(by: metric[$0], kernel: parts[$0]) })
  }

  /// The positions that are fitted to.
  var positions: Int { groups[0].fitted.count }

  /// Adds the sums of other positions, e.g. of another use of the same kernel.
  ///
  /// **Traps** where the shapes differ.
  mutating func add(_ other: LayerMoments) {
    for group in groups.indices {
      groups[group].fitted.add(other.groups[group].fitted)
      groups[group].heldOut.add(other.groups[group].heldOut)
    }
  }

  /// The mean over the positions of the energy of the responses about their means, all channels together.
  var responseVariance: Double {
    groups.reduce(0) { sum, group in
      let sums = group.fitted
      guard sums.count > 0 else { return sum }
      let count = Double(sums.count)
      return sum
        + sums.responseEnergy.indices.reduce(0) { part, t in
          let mean = sums.responseSum[t] / count
          return part + max(0, sums.responseEnergy[t] / count - mean * mean)
        }
    }
  }
}

extension LayerMoments.Group {
  /// The sums in the coordinates of a metric; of no positions they are none.
  func weighed(by metric: ResponseMetric?, kernel: Tensor<Float>) -> Self {
    guard let metric else { return self }
    return Self(
      fitted: metric.weighed(fitted, kernel: kernel),
      heldOut: heldOut.count > 0 ? metric.weighed(heldOut, kernel: kernel) : heldOut)
  }
}
