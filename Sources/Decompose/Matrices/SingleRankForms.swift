import Forms
import Tensors

/// A closed form of one kernel with a single rank: spatial, channel, svd.
struct SingleRankForms<Analysis: RankAnalysis<Float>>: FormAnalysis {
  let analysis: Analysis

  var kind: FormKind { analysis.form(rank: 1).kind }
  var kernel: Tensor<Float> { analysis.kernel }

  func ranks(energy: Double) -> [Int] { [analysis.rank(energy: energy)] }

  func variationalRanks(factor: Double) -> [Int] {
    [analysis.variationalRank.weakenedRank(full: analysis.maximumRank, factor: factor)]
  }

  func candidates(multiple: Int) -> [RankedForm] {
    rankGrid(upTo: analysis.maximumRank, multiple: multiple).map {
      RankedForm(form: analysis.form(rank: $0), relativeError: analysis.relativeError(rank: $0))
    }
  }

  func relativeError(_ form: FactoredForm) -> Double { analysis.relativeError(rank: form.ranks[0]) }

  func decomposition(_ form: FactoredForm) throws(DecomposeError) -> Decomposition<Float> {
    try analysis.decomposition(rank: form.ranks[0])
  }

  var curves: [SpectrumCurve] { curves(analysis.energies) }
}
