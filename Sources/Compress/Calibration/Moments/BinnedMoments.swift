import Decompose
import Tensors

/// `ResponseMoments` of many samples, to be the same whatever machines they come from: see `BinnedSums`.
///
/// What is added is the moments of whole samples. Those are sums of products in a fixed order, and so the same wherever a
/// sample is looked at by the same build on the same kind of processor.
struct BinnedMoments: Sendable, Equatable {
  /// What is summed up, as files name it.
  static let names = ["patches", "responses", "gram", "cross", "energy"]

  let patch: Int
  let responses: Int
  /// Positions.
  private(set) var count: Int
  /// In the order of `names`; of the Gram matrix the upper triangle by rows.
  private(set) var sums: [BinnedSums]

  init(patch: Int, responses: Int) {
    (self.patch, self.responses, count) = (patch, responses, 0)
    sums = Self.lengths(patch: patch, responses: responses).map { BinnedSums(count: $0) }
  }

  /// Sums from elsewhere.
  ///
  /// **Traps** where their lengths are not those of the extents.
  init(patch: Int, responses: Int, count: Int, sums: [BinnedSums]) {
    precondition(
      sums.map(\.count) == Self.lengths(patch: patch, responses: responses), "sums of other extents")
    (self.patch, self.responses, self.count, self.sums) = (patch, responses, count, sums)
  }

  /// The numbers of each sum.
  static func lengths(patch: Int, responses: Int) -> [Int] {
    [patch, responses, patch * (patch + 1) / 2, responses * patch, responses]
  }

  /// Adds the moments of a sample; false where they are not finite.
  mutating func add(_ moments: ResponseMoments) -> Bool {
    guard moments.count > 0 else { return true }
    count += moments.count
    let arrays = [
      moments.patchSum, moments.responseSum, moments.patchGram.upperTriangle, moments.crossGram.elements,
      moments.responseEnergy,
    ]
    for (place, values) in arrays.enumerated() {
      guard sums[place].add(values) else { return false }
    }
    return true
  }

  /// Adds the sums of other samples.
  ///
  /// **Traps** where the extents differ.
  mutating func add(_ other: BinnedMoments) {
    count += other.count
    for place in sums.indices { sums[place].add(other.sums[place]) }
  }

  /// The sums in Double.
  func moments() -> ResponseMoments {
    ResponseMoments(
      count: count, patchSum: sums[0].values, responseSum: sums[1].values,
      patchGram: Tensor(upperTriangle: sums[2].values, order: patch),
      crossGram: Tensor(shape: [responses, patch], elements: sums[3].values), responseEnergy: sums[4].values)
  }
}
