import Decompose
import LinearAlgebra
import Tensors

/// The sums of a fit to other responses at the same positions.
struct ResponseAims {
  private let sums: ResponseMoments
  private let threads: Int
  private var responseSum: [Double]
  private var responseEnergy: [Double]
  private var crossGram: Tensor<Double>

  init(_ sums: ResponseMoments, threads: Int) {
    (self.sums, self.threads) = (sums, threads)
    responseSum = [Double](repeating: 0, count: sums.responseCount)
    responseEnergy = responseSum
    crossGram = Tensor(shape: [sums.responseCount, sums.patchCount])
  }

  /// **Shapes** `aims` [k, T], `patches` [k, n].
  mutating func add(_ aims: Tensor<Float>, patches: Tensor<Float>) {
    GramSums.add(
      productOf: aims.converted(), and: patches.converted(), count: aims.shape[0], to: &crossGram,
      threads: threads)
    let outputs = responseSum.count
    aims.withSpan { aims in
      for place in aims.indices {
        let aim = Double(aims[place])
        responseSum[place % outputs] += aim
        responseEnergy[place % outputs] += aim * aim
      }
    }
  }

  func moments() -> ResponseMoments {
    ResponseMoments(
      count: sums.count, patchSum: sums.patchSum, responseSum: responseSum, patchGram: sums.patchGram,
      crossGram: crossGram, responseEnergy: responseEnergy)
  }
}
