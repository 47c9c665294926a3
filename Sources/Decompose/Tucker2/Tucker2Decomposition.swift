import Forms
import LinearAlgebra
import Tensors

/// Tucker-2 behind its kind.
struct Tucker2Decomposition: FormDecomposition {
  var kind: FormKind { .tucker2 }
  var algorithms: [String] { Tucker2Algorithm.allCases.map(\.rawValue) }

  func options(algorithm: String) -> DecompositionOptions? {
    Tucker2Algorithm(rawValue: algorithm).map { DecompositionOptions(tucker2: $0) }
  }

  func decompose<Element: LapackScalar>(
    _ kernel: Tensor<Element>, ranks: [Int], options: DecompositionOptions
  ) throws(DecomposeError) -> Decomposition<Element> {
    try tucker2(kernel, outputRank: ranks[0], inputRank: ranks[1], algorithm: options.tucker2)
  }

  func analysis(of kernel: Tensor<Float>) throws(DecomposeError) -> any FormAnalysis {
    Tucker2Forms(analysis: try Tucker2Analysis(kernel))
  }

  func reconstruct<Element: LapackScalar>(_ factors: FactoredKernel<Element>) -> Tensor<Element>? {
    Tucker2Factors(factors)?.reconstructed()
  }

  func demand(kernel: Shape, ranks: [Int]) -> FactoringDemand {
    FactoringDemand(eigenproblems: [kernel[0], kernel[1]])
  }
}

/// Tucker-2 of one kernel, with a rank for each channel mode.
private struct Tucker2Forms: FormAnalysis {
  let analysis: Tucker2Analysis<Float>

  var kind: FormKind { .tucker2 }
  var kernel: Tensor<Float> { analysis.kernel }

  func ranks(energy: Double) -> [Int] {
    let ranks = analysis.ranks(energy: energy)
    return [ranks.output, ranks.input]
  }

  func variationalRanks(factor: Double) -> [Int] {
    let ranks = analysis.variationalRanks
    return zip([ranks.output, ranks.input], fullRanks).map { $0.weakenedRank(full: $1, factor: factor) }
  }

  func candidates(multiple: Int) -> [RankedForm] {
    let full = fullRanks
    let inputs = rankGrid(upTo: full[1], multiple: multiple)
    return rankGrid(upTo: full[0], multiple: multiple).flatMap { output in
      inputs.map { input in
        RankedForm(
          form: .tucker2(outputRank: output, inputRank: input),
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

  var curves: [SpectrumCurve] { curves(analysis.outputEnergies, analysis.inputEnergies) }
}
