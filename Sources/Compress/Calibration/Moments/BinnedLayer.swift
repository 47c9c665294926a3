import Decompose

/// The sums over one layer's data, and what its errors did to the network's outputs.
struct BinnedLayer: Sendable, Equatable {
  /// By group: the positions that are fitted to, and those that only judge.
  var groups: [Parts]
  /// One a sample that was probed, in the samples' order.
  var probes: [ProbedSample]
  /// What errors of the responses count; nil where nothing is known of it.
  var weighing: Weighing?

  struct Parts: Sendable, Equatable {
    var fitted: BinnedMoments
    var heldOut: BinnedMoments
  }

  /// The network's gradients with respect to the responses, and the error that was probed, to be measured by them once those
  /// of all samples are there.
  struct Weighing: Sendable, Equatable {
    var gradients: LayerGradients
    /// Over all samples that were probed, of `e e'` for errors e of the response, by group; the upper triangle by rows.
    var errors: [BinnedSums]

    mutating func add(_ other: Weighing) {
      gradients.add(other.gradients)
      for group in errors.indices { errors[group].add(other.errors[group]) }
    }
  }

  init(groups: [Parts], probes: [ProbedSample], weighing: Weighing? = nil) {
    (self.groups, self.probes, self.weighing) = (groups, probes, weighing)
  }

  init(groups: Int, patch: Int, responses: Int) {
    let empty = BinnedMoments(patch: patch, responses: responses)
    self.init(groups: [Parts](repeating: Parts(fitted: empty, heldOut: empty), count: groups), probes: [])
  }

  /// Adds the moments of a sample; false where they are not finite.
  mutating func add(_ sample: LayerMoments) -> Bool {
    for (place, group) in sample.groups.enumerated() {
      guard groups[place].fitted.add(group.fitted), groups[place].heldOut.add(group.heldOut) else {
        return false
      }
    }
    return true
  }

  /// Adds the sums of other samples.
  ///
  /// **Traps** where the extents differ.
  mutating func add(_ other: BinnedLayer) {
    for place in groups.indices {
      groups[place].fitted.add(other.groups[place].fitted)
      groups[place].heldOut.add(other.groups[place].heldOut)
    }
    probes = (probes + other.probes).sorted { $0.number < $1.number }
    if let more = other.weighing { weighing?.add(more) }
  }

  /// The sums in Double.
  var moments: LayerMoments { LayerMoments(groups: groups.map(\.moments)) }
}

extension BinnedLayer.Parts {
  /// The sums in Double.
  var moments: LayerMoments.Group { .init(fitted: fitted.moments(), heldOut: heldOut.moments()) }
}
