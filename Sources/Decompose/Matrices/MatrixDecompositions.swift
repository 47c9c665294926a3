import Forms
import LinearAlgebra
import Tensors

/// The spatial and channel forms behind their kinds.
struct PairDecomposition: FormDecomposition {
  let kind: FormKind

  func decompose<Element: LapackScalar>(
    _ kernel: Tensor<Element>, ranks: [Int], options: DecompositionOptions
  ) throws(DecomposeError) -> Decomposition<Element> {
    try PairAnalysis(kernel, kind: kind).decomposition(rank: ranks[0])
  }

  func analysis(of kernel: Tensor<Float>) throws(DecomposeError) -> any FormAnalysis {
    SingleRankForms(analysis: try PairAnalysis(kernel, kind: kind))
  }

  func reconstruct<Element: LapackScalar>(_ factors: FactoredKernel<Element>) -> Tensor<Element>? {
    StagePair(factors)?.reconstructed()
  }

  func demand(kernel: Shape, ranks: [Int]) -> FactoringDemand {
    FactoringDemand(eigenproblems: kind.fits(kernel: kernel) ? kind.fullRanks(kernel: kernel) : [])
  }
}

/// Two matrices behind their kind.
struct MatrixDecomposition: FormDecomposition {
  var kind: FormKind { .svd }

  func decompose<Element: LapackScalar>(
    _ kernel: Tensor<Element>, ranks: [Int], options: DecompositionOptions
  ) throws(DecomposeError) -> Decomposition<Element> {
    try truncatedSVD(kernel, rank: ranks[0])
  }

  func analysis(of kernel: Tensor<Float>) throws(DecomposeError) -> any FormAnalysis {
    SingleRankForms(analysis: try MatrixAnalysis(kernel))
  }

  func reconstruct<Element: LapackScalar>(_ factors: FactoredKernel<Element>) -> Tensor<Element>? {
    MatrixFactors(factors).map { matrixProduct($0.left, $0.right).reshaped($0.kernelShape) }
  }

  func demand(kernel: Shape, ranks: [Int]) -> FactoringDemand {
    FactoringDemand(eigenproblems: [min(kernel[0], kernel[1])])
  }
}
