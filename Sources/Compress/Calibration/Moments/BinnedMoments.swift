import Decompose
import LinearAlgebra
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
    let (n, gram) = (patch, moments.patchGram.elements)
    var triangle: [Double] = []
    triangle.reserveCapacity(n * (n + 1) / 2)
    for row in 0..<n { triangle += gram[(row * n + row)..<((row + 1) * n)] }
    let arrays = [
      moments.patchSum, moments.responseSum, triangle, moments.crossGram.elements, moments.responseEnergy,
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
    let (n, triangle) = (patch, sums[2].values)
    var gram = Tensor<Double>(shape: [n, n]) { gram in
      var place = 0
      for row in 0..<n {
        for column in row..<n {
          gram[row * n + column] = triangle[place]
          place += 1
        }
      }
    }
    GramSums.mirror(&gram)
    return ResponseMoments(
      count: count, patchSum: sums[0].values, responseSum: sums[1].values, patchGram: gram,
      crossGram: Tensor(shape: [responses, n], elements: sums[3].values), responseEnergy: sums[4].values)
  }
}

/// The sums over one layer's data, and what its errors did to the network's outputs.
struct BinnedLayer: Sendable, Equatable {
  /// By group: the positions that are fitted to, and those that only judge.
  var groups: [Parts]
  /// One a sample that was probed, in the samples' order.
  var probes: [ProbedSample]

  struct Parts: Sendable, Equatable {
    var fitted: BinnedMoments
    var heldOut: BinnedMoments
  }

  init(groups: [Parts], probes: [ProbedSample]) { (self.groups, self.probes) = (groups, probes) }

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
  }

  /// The sums in Double.
  var moments: LayerMoments {
    LayerMoments(
      groups: groups.map { .init(fitted: $0.fitted.moments(), heldOut: $0.heldOut.moments()) })
  }
}
