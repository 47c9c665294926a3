import Decompose
import TensorCore

/// One kernel analysed for one kind of form: any ranks can be asked for without factoring again.
protocol FormAnalysis: Sendable {
  /// The form with the ranks that a criterion asks for; nil where none will do.
  func form(_ criterion: RankCriterion, multiple: Int, price: (FactoredForm) -> Int) -> FactoredForm?
  /// The ranks that retain a part of the energy, one a mode.
  func ranks(energy: Double) -> [Int]
  /// The relative error of a form that this analysis gave, before any iteration lowers it.
  func relativeError(_ form: FactoredForm) -> Double
  /// The factors of a form that this analysis gave.
  func decomposition(_ form: FactoredForm) throws(DecomposeError) -> Decomposition<Float>
}

/// Tucker-2, with a rank for each channel mode.
struct Tucker2Ranks: FormAnalysis {
  private let analysis: Tucker2Analysis<Float>

  init(_ kernel: Tensor<Float>) throws(DecomposeError) { analysis = try Tucker2Analysis(kernel) }

  func form(_ criterion: RankCriterion, multiple: Int, price: (FactoredForm) -> Int) -> FactoredForm? {
    let ranks: (output: Int, input: Int)?
    switch criterion {
    case .energy(let energy): ranks = analysis.ranks(energy: energy, multiple: multiple)
    case .error(let error):
      ranks = analysis.ranks(error: error, multiple: multiple) {
        price(.tucker2(outputRank: $0, inputRank: $1))
      }
    case .ranksRatio(let ratio):
      ranks = (
        ratioRank(ratio, of: analysis.kernel.shape[0], multiple),
        ratioRank(ratio, of: analysis.kernel.shape[1], multiple)
      )
    }
    return ranks.map { .tucker2(outputRank: $0.output, inputRank: $0.input) }
  }

  func ranks(energy: Double) -> [Int] {
    let ranks = analysis.ranks(energy: energy)
    return [ranks.output, ranks.input]
  }

  func relativeError(_ form: FactoredForm) -> Double {
    analysis.relativeError(outputRank: form.ranks[0], inputRank: form.ranks[1])
  }

  func decomposition(_ form: FactoredForm) throws(DecomposeError) -> Decomposition<Float> {
    try analysis.decomposition(outputRank: form.ranks[0], inputRank: form.ranks[1])
  }
}

/// A form with a single rank.
struct SingleRank<Analysis: RankAnalysis<Float>>: FormAnalysis {
  let analysis: Analysis

  func form(_ criterion: RankCriterion, multiple: Int, price: (FactoredForm) -> Int) -> FactoredForm? {
    let rank: Int? =
      switch criterion {
      case .energy(let energy): analysis.rank(energy: energy, multiple: multiple)
      case .error(let error): analysis.rank(error: error, multiple: multiple)
      case .ranksRatio(let ratio): ratioRank(ratio, of: analysis.maximumRank, multiple)
      }
    return rank.map { analysis.form(rank: $0) }
  }

  func ranks(energy: Double) -> [Int] { [analysis.rank(energy: energy)] }

  func relativeError(_ form: FactoredForm) -> Double { analysis.relativeError(rank: form.ranks[0]) }

  func decomposition(_ form: FactoredForm) throws(DecomposeError) -> Decomposition<Float> {
    try analysis.decomposition(rank: form.ranks[0])
  }
}

private func ratioRank(_ ratio: Double, of extent: Int, _ multiple: Int) -> Int {
  roundedRank(max(1, Int((ratio * Double(extent)).rounded(.up))), multiple: multiple, extent: extent)
}

extension CompressionMethod {
  /// The analyses of a kernel for the forms that the method allows.
  ///
  /// **Throws** `DecomposeError` where no form suits the kernel or its numbers are not finite.
  func analyses(of kernel: Tensor<Float>) throws(DecomposeError) -> [any FormAnalysis] {
    let isPointwise = kernel.shape.extents.dropFirst(2).allSatisfy { $0 == 1 }
    switch self {
    case .auto:
      return isPointwise ? [SingleRank(analysis: try MatrixAnalysis(kernel))] : [try Tucker2Ranks(kernel)]
    case .svd: return [SingleRank(analysis: try MatrixAnalysis(kernel))]
    case .tucker2:
      guard !isPointwise else {
        throw .unsuitableKernel(
          form: "Tucker-2", kernel: kernel.shape, reason: "its spatial extents are 1; svd or auto would do")
      }
      return [try Tucker2Ranks(kernel)]
    case .spatial:
      return [
        SingleRank(analysis: try SpatialAnalysis(kernel)),
        SingleRank(analysis: try SpatialAnalysis(kernel, mirrored: true)),
      ]
    case .channel:
      return [
        SingleRank(analysis: try ChannelAnalysis(kernel)),
        SingleRank(analysis: try ChannelAnalysis(kernel, mirrored: true)),
      ]
    }
  }
}
