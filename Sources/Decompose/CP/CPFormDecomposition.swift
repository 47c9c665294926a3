import Forms
import LinearAlgebra
import Tensors

/// CP-3 and CP-4 behind their kinds.
struct CPFormDecomposition: FormDecomposition {
  let kind: FormKind

  var algorithms: [String] { CPAlgorithm.allCases.map(\.rawValue) + [Self.refined] }

  /// The word for Levenberg-Marquardt steps behind the alternating least squares.
  private static let refined = "levenberg-marquardt"

  func options(algorithm: String) -> DecompositionOptions? {
    if algorithm == Self.refined { return DecompositionOptions(cp: CPOptions(refinements: 30)) }
    return CPAlgorithm(rawValue: algorithm).map { DecompositionOptions(cp: CPOptions(algorithm: $0)) }
  }

  func decompose<Element: LapackScalar>(
    _ kernel: Tensor<Element>, ranks: [Int], options: DecompositionOptions
  ) throws(DecomposeError) -> Decomposition<Element> {
    try factor(kernel, rank: ranks[0], options.cp).decomposition
  }

  /// Factors a kernel into terms over as many modes as the kind has.
  func factor<Element: LapackScalar>(
    _ kernel: Tensor<Element>, rank: Int, _ options: CPOptions = CPOptions()
  ) throws(DecomposeError) -> CPDecomposition<Element> {
    kind == .cp4
      ? try cp4(kernel, rank: rank, options: options) : try cp3(kernel, rank: rank, options: options)
  }

  func analysis(of kernel: Tensor<Float>) throws(DecomposeError) -> any FormAnalysis {
    try CPForms(kernel, self)
  }

  func analysis(
    of kernel: Tensor<Float>, knowing searched: [Int: Double], factors: [Decomposition<Float>]
  ) throws(DecomposeError) -> any FormAnalysis {
    try CPForms(kernel, self, searched: searched, factors: factors)
  }

  func reconstruct<Element: LapackScalar>(_ factors: FactoredKernel<Element>) -> Tensor<Element>? {
    CP4Factors(factors)?.reconstructed() ?? CP3Factors(factors)?.reconstructed()
  }

  func demand(kernel: Shape, ranks: [Int]) -> FactoringDemand {
    let (outputs, inputs, rank) = (kernel[0], kernel[1], ranks[0])
    let taps = kernel.count / max(1, outputs * inputs)
    // The longest Khatri-Rao product leaves out the shortest mode; the start keeps vectors over the taps a slab.
    let products = Double(rank) * Double(kernel.count / max(1, min(outputs, inputs, taps)))
    let start = Double(min(outputs, inputs)) * Double(taps) * Double(taps)
    return FactoringDemand(
      eigenproblems: [outputs, inputs, taps, rank], keepsPrecision: true, scratch: products + start)
  }
}
