import Forms
import LinearAlgebra
import Tensors

/// The spatial form behind its kinds.
struct SpatialDecomposition: FormDecomposition {
  let mirrored: Bool

  var kind: FormKind { mirrored ? .spatialMirrored : .spatial }

  func decompose<Element: LapackScalar>(
    _ kernel: Tensor<Element>, ranks: [Int], options: DecompositionOptions
  ) throws(DecomposeError) -> Decomposition<Element> {
    try spatial(kernel, rank: ranks[0], mirrored: mirrored)
  }

  func analysis(of kernel: Tensor<Float>) throws(DecomposeError) -> any FormAnalysis {
    SingleRankForms(analysis: try SpatialAnalysis(kernel, mirrored: mirrored))
  }

  func reconstruct<Element: LapackScalar>(_ factors: FactoredKernel<Element>) -> Tensor<Element>? {
    StagePair(factors)?.reconstructed()
  }

  func demand(kernel: Shape, ranks: [Int]) -> FactoringDemand {
    FactoringDemand(eigenproblems: kind.fits(kernel: kernel) ? kind.fullRanks(kernel: kernel) : [])
  }
}

/// The channel form behind its kinds.
struct ChannelDecomposition: FormDecomposition {
  let mirrored: Bool

  var kind: FormKind { mirrored ? .channelMirrored : .channel }

  func decompose<Element: LapackScalar>(
    _ kernel: Tensor<Element>, ranks: [Int], options: DecompositionOptions
  ) throws(DecomposeError) -> Decomposition<Element> {
    try channel(kernel, rank: ranks[0], mirrored: mirrored)
  }

  func analysis(of kernel: Tensor<Float>) throws(DecomposeError) -> any FormAnalysis {
    SingleRankForms(analysis: try ChannelAnalysis(kernel, mirrored: mirrored))
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
