import Decompose
import TensorCore

/// One kernel's spectrum in the form that suits it, from which ranks are chosen without factoring again.
enum KernelAnalysis {
  /// A kernel with spatial extents.
  case tucker2(Tucker2Analysis<Float>)
  /// A 1x1 convolution or a fully connected layer.
  case matrix(MatrixAnalysis<Float>)

  /// Analyses a kernel in the form that `method` gives it.
  ///
  /// **Throws** `DecomposeError` where the form does not suit the kernel or its numbers are not finite.
  init(_ kernel: Tensor<Float>, method: CompressionMethod) throws(DecomposeError) {
    let isPointwise = kernel.shape.extents.dropFirst(2).allSatisfy { $0 == 1 }
    switch (method, isPointwise) {
    case (.auto, true), (.svd, _): self = .matrix(try MatrixAnalysis(kernel))
    case (.auto, false), (.tucker2, false): self = .tucker2(try Tucker2Analysis(kernel))
    case (.tucker2, true):
      throw .unsuitableKernel(
        form: "Tucker-2", kernel: kernel.shape, reason: "its spatial extents are 1; use --method svd or auto")
    }
  }

  /// The ranks that a criterion asks for, and the form with them; nil where none will do.
  func form(
    _ criterion: RankCriterion, multiple: Int, price: (FactoredForm) -> Int
  ) -> FactoredForm? {
    switch self {
    case .tucker2(let analysis):
      let ranks =
        switch criterion {
        case .energy(let energy): Optional(analysis.ranks(energy: energy, multiple: multiple))
        case .error(let error):
          analysis.ranks(error: error, multiple: multiple) {
            price(.tucker2(outputRank: $0, inputRank: $1))
          }
        case .ranksRatio(let ratio):
          Optional(
            (
              output: ratioRank(ratio, of: analysis.kernel.shape[0], multiple),
              input: ratioRank(ratio, of: analysis.kernel.shape[1], multiple)
            ))
        }
      return ranks.map { .tucker2(outputRank: $0.output, inputRank: $0.input) }
    case .matrix(let analysis):
      let limit = min(analysis.kernel.shape[0], analysis.kernel.shape[1])
      let wanted =
        switch criterion {
        case .energy(let energy): rank(retaining: energy, of: analysis.energies)
        case .error(let error): analysis.rank(error: error)
        case .ranksRatio(let ratio): ratioRank(ratio, of: limit, 1)
        }
      return .svd(rank: roundedRank(wanted, multiple: multiple, extent: limit))
    }
  }

  /// The ranks that retain a part of the energy, one a mode.
  func ranks(energy: Double) -> [Int] {
    switch self {
    case .tucker2(let analysis):
      let ranks = analysis.ranks(energy: energy)
      return [ranks.output, ranks.input]
    case .matrix(let analysis): return [rank(retaining: energy, of: analysis.energies)]
    }
  }

  /// The relative error of a form that `form` gave, before any iteration lowers it.
  func relativeError(_ form: FactoredForm) -> Double {
    switch (self, form) {
    case (.tucker2(let analysis), .tucker2(let outputRank, let inputRank)):
      analysis.relativeError(outputRank: outputRank, inputRank: inputRank)
    case (.matrix(let analysis), .svd(let rank)): analysis.relativeError(rank: rank)
    default: preconditionFailure("\(form) is not a form of this analysis")
    }
  }

  /// The decomposition of a form that `form` gave.
  func decomposition(_ form: FactoredForm) throws(DecomposeError) -> Decomposition<Float> {
    switch (self, form) {
    case (.tucker2(let analysis), .tucker2(let outputRank, let inputRank)):
      try analysis.decomposition(outputRank: outputRank, inputRank: inputRank)
    case (.matrix(let analysis), .svd(let rank)): try analysis.decomposition(rank: rank)
    default: preconditionFailure("\(form) is not a form of this analysis")
    }
  }

  private func ratioRank(_ ratio: Double, of extent: Int, _ multiple: Int) -> Int {
    let wanted = max(1, Int((ratio * Double(extent)).rounded(.up)))
    return roundedRank(wanted, multiple: multiple, extent: extent)
  }
}
