import Decompose

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
