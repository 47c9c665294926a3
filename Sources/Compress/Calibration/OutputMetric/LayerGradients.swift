/// The sums of `g g'` over some gradients g of a network's outputs with respect to a layer's responses, for each output apart and
/// group by group of the layer's channels.
///
/// What an output counts by is known once all samples have been seen, which may be on several machines: so sums of each
/// output are kept apart, and are the same to the bit in whatever order and parts they were added (see `BinnedSums`).
struct LayerGradients: Sendable, Equatable {
  /// The sums of one output.
  struct Output: Sendable, Equatable {
    var answers = AnswerSums()
    /// By group; the upper triangle by rows.
    var grams: [BinnedSums]
  }

  var outputs: [Output]

  init(_ outputs: [Output]) { self.outputs = outputs }

  /// Sums of nothing.
  init(outputs: Int, groups: Int, responses: Int) {
    let empty = BinnedSums(count: triangleCount(order: responses))
    self.init(
      [Output](repeating: Output(grams: [BinnedSums](repeating: empty, count: groups)), count: outputs))
  }

  /// Adds the sums of other samples.
  ///
  /// **Traps** where the extents differ.
  mutating func add(_ other: LayerGradients) {
    for place in outputs.indices {
      outputs[place].answers.add(other.outputs[place].answers)
      for group in outputs[place].grams.indices {
        outputs[place].grams[group].add(other.outputs[place].grams[group])
      }
    }
  }

  /// Adds one group's sum of `g g'` over all outputs, each by what it varies: one that is always 0 says nothing.
  func add(group: Int, to triangle: inout [Double]) {
    for output in outputs {
      guard let variation = output.answers.variation else { continue }
      let values = output.grams[group].values
      for i in triangle.indices { triangle[i] += values[i] / variation }
    }
  }
}
