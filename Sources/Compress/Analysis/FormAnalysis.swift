import Decompose
import Forms
import Tensors

/// A form with its ranks and how near it comes.
struct RankedForm {
  let form: FactoredForm
  let relativeError: Double
}

/// One kernel analysed for one kind of form.
///
/// Not for use by several threads: forms that have to be tried remember what they tried.
protocol FormAnalysis {
  /// The ranks at which nothing is saved any more, one a mode.
  var fullRanks: [Int] { get }
  /// The form with ranks.
  func form(ranks: [Int]) -> FactoredForm
  /// The ranks that retain a part of the energy, one a mode.
  func ranks(energy: Double) throws(DecomposeError) -> [Int]
  /// The ranks that EVBMF finds, weakened by a factor, one a mode.
  func variationalRanks(factor: Double) throws(DecomposeError) -> [Int]
  /// Forms over the useful range of ranks, all multiples of `multiple` or full, with their errors; in the same order
  /// for all kernels of one shape. No iteration that is to come raises an error.
  func candidates(multiple: Int) throws(DecomposeError) -> [RankedForm]
  /// The relative error of a form with any ranks: for closed forms that of the truncation, which no iteration that is to
  /// come raises, else that of its factors.
  func relativeError(_ form: FactoredForm) throws(DecomposeError) -> Double
  /// The factors of a form.
  func decomposition(_ form: FactoredForm) throws(DecomposeError) -> Decomposition<Float>
  /// What is lost at each rank, from what the analysis knows by now.
  var curves: [LayerSpectrum.Curve] { get }
}

/// The ranks from `multiple` on in steps that keep their number moderate, and the full one.
func rankGrid(upTo extent: Int, multiple: Int) -> [Int] {
  let mostSteps = 256
  let step = multiple * max(1, (extent / multiple + mostSteps - 1) / mostSteps)
  return Array(stride(from: step, to: extent, by: step)) + [extent]
}

/// Tucker-2, with a rank for each channel mode.
struct Tucker2Forms: FormAnalysis {
  private let analysis: Tucker2Analysis<Float>

  init(_ kernel: Tensor<Float>) throws(DecomposeError) { analysis = try Tucker2Analysis(kernel) }

  var fullRanks: [Int] { [analysis.kernel.shape[0], analysis.kernel.shape[1]] }

  func form(ranks: [Int]) -> FactoredForm { .tucker2(outputRank: ranks[0], inputRank: ranks[1]) }

  func ranks(energy: Double) -> [Int] {
    let ranks = analysis.ranks(energy: energy)
    return [ranks.output, ranks.input]
  }

  func variationalRanks(factor: Double) -> [Int] {
    let ranks = analysis.variationalRanks
    return zip([ranks.output, ranks.input], fullRanks).map { $0.weakenedRank(full: $1, factor: factor) }
  }

  func candidates(multiple: Int) -> [RankedForm] {
    let inputs = rankGrid(upTo: fullRanks[1], multiple: multiple)
    return rankGrid(upTo: fullRanks[0], multiple: multiple).flatMap { output in
      inputs.map { input in
        RankedForm(
          form: form(ranks: [output, input]),
          relativeError: analysis.relativeError(outputRank: output, inputRank: input))
      }
    }
  }

  func relativeError(_ form: FactoredForm) -> Double {
    analysis.relativeError(outputRank: form.ranks[0], inputRank: form.ranks[1])
  }

  func decomposition(_ form: FactoredForm) throws(DecomposeError) -> Decomposition<Float> {
    try analysis.decomposition(outputRank: form.ranks[0], inputRank: form.ranks[1])
  }

  var curves: [LayerSpectrum.Curve] {
    [
      LayerSpectrum.Curve(name: "mode1", energies: analysis.outputEnergies),
      LayerSpectrum.Curve(name: "mode2", energies: analysis.inputEnergies),
    ]
  }
}

/// A closed form with a single rank: spatial, channel, svd.
struct SingleRankForms<Analysis: RankAnalysis<Float>>: FormAnalysis {
  let analysis: Analysis

  var fullRanks: [Int] { [analysis.maximumRank] }

  func form(ranks: [Int]) -> FactoredForm { analysis.form(rank: ranks[0]) }

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

  var curves: [LayerSpectrum.Curve] {
    let method = analysis.form(rank: 1).method
    // A channel form cuts a mode off.
    let modes = ["channel": "mode1", "channel-mirrored": "mode2"]
    return [LayerSpectrum.Curve(name: modes[method] ?? method, energies: analysis.energies)]
  }
}
