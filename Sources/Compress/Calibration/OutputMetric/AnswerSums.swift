import Tensors

/// What one output of a network varies by over some samples, in sums that add up in any order.
struct AnswerSums: Sendable, Equatable {
  /// Elements.
  private(set) var count = 0
  private(set) var sum = BinnedSums(count: 1)
  private(set) var energy = BinnedSums(count: 1)

  init() {}

  /// Sums from elsewhere.
  init(count: Int, sum: BinnedSums, energy: BinnedSums) {
    (self.count, self.sum, self.energy) = (count, sum, energy)
  }

  /// Adds what the output is for a sample; one that is not finite says nothing.
  mutating func add(_ values: Tensor<Float>) {
    var (sum, energy) = (0.0, 0.0)
    values.withSpan { values in
      for i in values.indices {
        let value = Double(values[i])
        sum += value
        energy += value * value
      }
    }
    guard self.energy.add([energy]), self.sum.add([sum]) else { return }
    count += values.count
  }

  /// Adds the sums of other samples.
  mutating func add(_ other: AnswerSums) {
    count += other.count
    sum.add(other.sum)
    energy.add(other.energy)
  }

  /// `sum (y - mean y)²`, the mean that of all elements; nil where all are 0, or there are none.
  var variation: Double? {
    let sums = OutputDifference.Sums(count: count, squared: 0, sum: sum.values[0], energy: energy.values[0])
    return sums.energy > 0 ? sums.variation : nil
  }
}
