import Decompose
import LinearAlgebra
import Tensors

/// The sums of a fit to other responses at the same positions.
struct ResponseAims {
  private let sums: ResponseMoments
  private let metric: ResponseMetric?
  private let threads: Int
  private var responseSum: [Double]
  private var responseEnergy: [Double]
  private var crossGram: Tensor<Double>

  init(_ sums: ResponseMoments, metric: ResponseMetric?, threads: Int) {
    (self.sums, self.metric, self.threads) = (sums, metric, threads)
    responseSum = [Double](repeating: 0, count: sums.responseCount)
    responseEnergy = responseSum
    crossGram = Tensor(shape: [sums.responseCount, sums.patchCount])
  }

  /// **Shapes** `aims` [k, T], `patches` [k, n].
  mutating func add(_ aims: Tensor<Float>, patches: Tensor<Float>) {
    let plain: Tensor<Double> = aims.converted()
    let aims = metric?.weighed(responses: plain) ?? plain
    GramSums.add(
      productOf: aims, and: patches.converted(), count: aims.shape[0], to: &crossGram, threads: threads)
    let outputs = responseSum.count
    aims.withSpan { aims in
      for place in aims.indices {
        let aim = aims[place]
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
