public import Tensors

/// The sums that a layer's fit to data goes by: of its input patches x, and of the responses y that it should give.
///
///     count, sum of x, sum of y, sum of x x', sum of y x', sum of y²
///
/// over the positions looked at. x is a patch `[S, D...]` in row-major order, as a kernel's row `K[t]` is, so that the layer's
/// response without its bias is `K x`. Sums of several parts of the data add up: that is how calibration spreads over machines.
///
/// In an asymmetric fit x is what the compressed network gives the layer and y what the original one made of its own input.
///
/// **Shapes** one value holds one group of a layer: S input and T output channels of that group, n = S D... numbers a patch.
///
/// **Accuracy** Double throughout: a Float Gram matrix loses singular values under about 3e-4 of the largest.
public struct ResponseMoments: Sendable, Equatable {
  /// The positions that were looked at.
  public private(set) var count: Int
  /// The sum of the patches, [n].
  public private(set) var patchSum: [Double]
  /// The sum of the responses, [T].
  public private(set) var responseSum: [Double]
  /// The sum of `x x'`, [n, n], symmetric, both triangles.
  public private(set) var patchGram: Tensor<Double>
  /// The sum of `y x'`, [T, n].
  public private(set) var crossGram: Tensor<Double>
  /// The sum of the squares of each response, [T].
  public private(set) var responseEnergy: [Double]

  /// Sums from elsewhere.
  ///
  /// **Traps** where the shapes do not fit together.
  public init(
    count: Int, patchSum: [Double], responseSum: [Double], patchGram: Tensor<Double>,
    crossGram: Tensor<Double>, responseEnergy: [Double]
  ) {
    let (n, outputs) = (patchSum.count, responseSum.count)
    precondition(patchGram.shape == [n, n], "a Gram matrix of \(patchGram.shape) for patches of \(n)")
    precondition(crossGram.shape == [outputs, n], "cross sums of \(crossGram.shape), not \([outputs, n])")
    precondition(responseEnergy.count == outputs, "\(responseEnergy.count) energies of \(outputs) responses")
    self.count = count
    self.patchSum = patchSum
    self.responseSum = responseSum
    self.patchGram = patchGram
    self.crossGram = crossGram
    self.responseEnergy = responseEnergy
  }

  /// No positions yet.
  public init(patch: Int, responses: Int) {
    self.init(
      count: 0, patchSum: [Double](repeating: 0, count: patch),
      responseSum: [Double](repeating: 0, count: responses), patchGram: Tensor(shape: [patch, patch]),
      crossGram: Tensor(shape: [responses, patch]), responseEnergy: [Double](repeating: 0, count: responses))
  }

  /// The numbers of a patch, n.
  public var patchCount: Int { patchSum.count }
  /// The output channels, T.
  public var responseCount: Int { responseSum.count }

  /// Adds the sums of other positions.
  ///
  /// **Traps** where the shapes differ.
  public mutating func add(_ other: ResponseMoments) {
    precondition(
      patchCount == other.patchCount && responseCount == other.responseCount,
      "sums of \(other.responseCount)x\(other.patchCount) added to those of \(responseCount)x\(patchCount)")
    count += other.count
    patchSum.add(other.patchSum)
    responseSum.add(other.responseSum)
    patchGram.add(other.patchGram)
    crossGram.add(other.crossGram)
    responseEnergy.add(other.responseEnergy)
  }
}

extension [Double] {
  fileprivate mutating func add(_ other: [Double]) {
    for i in indices { self[i] += other[i] }
  }
}

extension Tensor where Element == Double {
  fileprivate mutating func add(_ other: Tensor) {
    other.withSpan { values in
      withMutableSpan { sums in
        for i in sums.indices { sums[i] += values[i] }
      }
    }
  }
}
