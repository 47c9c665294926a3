public import Forms
public import LinearAlgebra
public import Tensors

/// How kernels are brought into one kind of form: what the command, the C interface and compression go by for any form.
///
/// A new form conforms here and is listed in `FormKind.decompositions`.
public protocol FormDecomposition: Sendable {
  /// The kind of form.
  var kind: FormKind { get }
  /// The words for its algorithms; none where there is only one.
  var algorithms: [String] { get }

  /// The options that choose an algorithm; nil where there is none of that name.
  func options(algorithm: String) -> DecompositionOptions?

  /// Factors a kernel.
  ///
  /// **Shapes** `ranks` as many as the kind has.
  ///
  /// **Throws** `DecomposeError` for kernels that do not fit, and for ranks out of range.
  func decompose<Element: LapackScalar>(
    _ kernel: Tensor<Element>, ranks: [Int], options: DecompositionOptions
  ) throws(DecomposeError) -> Decomposition<Element>

  /// Analyses a kernel, to choose ranks by.
  ///
  /// **Throws** `DecomposeError` where the form does not fit the kernel or its numbers are not finite.
  func analysis(of kernel: Tensor<Float>) throws(DecomposeError) -> any FormAnalysis

  /// The same with what another analysis of this kernel has `searched`, and `factors` that somebody has found: neither is
  /// searched for again.
  func analysis(
    of kernel: Tensor<Float>, knowing searched: [Int: Double], factors: [Decomposition<Float>]
  ) throws(DecomposeError) -> any FormAnalysis

  /// The dense kernel of factors; nil for those of another form.
  func reconstruct<Element: LapackScalar>(_ factors: FactoredKernel<Element>) -> Tensor<Element>?

  /// What factoring a kernel of this shape takes.
  func demand(kernel: Shape, ranks: [Int]) -> FactoringDemand
}

extension FormDecomposition {
  /// None.
  public var algorithms: [String] { [] }

  /// None.
  public func options(algorithm: String) -> DecompositionOptions? { nil }

  /// Forms without a search have nothing to know.
  public func analysis(
    of kernel: Tensor<Float>, knowing searched: [Int: Double], factors: [Decomposition<Float>]
  ) throws(DecomposeError) -> any FormAnalysis {
    try analysis(of: kernel)
  }
}

/// How a kernel is factored, for the forms that leave a choice.
public struct DecompositionOptions: Hashable, Sendable {
  /// The algorithm for Tucker-2.
  public var tucker2: Tucker2Algorithm
  /// The options for CP.
  public var cp: CPOptions

  /// The default options, or others.
  public init(tucker2: Tucker2Algorithm = .hooi, cp: CPOptions = CPOptions()) {
    self.tucker2 = tucker2
    self.cp = cp
  }
}

/// What factoring a kernel takes, for those who must know before it is tried.
public struct FactoringDemand: Hashable, Sendable {
  /// The orders of the eigenproblems, or the shorter sides of the singular value decompositions.
  public var eigenproblems: [Int]
  /// Whether these are solved in the kernel's precision, not always in Double.
  public var keepsPrecision = false
  /// The numbers of the kernel's type that are held beside a few copies of the kernel.
  public var scratch = 0.0
}

extension FormKind {
  private static let decompositions: [FormKind: any FormDecomposition] = {
    let all: [any FormDecomposition] = [
      Tucker2Decomposition(), CPFormDecomposition(kind: .cp3), CPFormDecomposition(kind: .cp4),
      PairDecomposition(kind: .spatial), PairDecomposition(kind: .spatialMirrored),
      PairDecomposition(kind: .channel), PairDecomposition(kind: .channelMirrored), MatrixDecomposition(),
    ]
    return Dictionary(uniqueKeysWithValues: all.map { ($0.kind, $0) })
  }()

  /// How kernels are brought into the form; nil for the dense one.
  public var decomposition: (any FormDecomposition)? { Self.decompositions[self] }

  /// The decomposition into the form.
  ///
  /// **Throws** `DecomposeError` for the dense form.
  func requireDecomposition(of kernel: Shape) throws(DecomposeError) -> any FormDecomposition {
    guard let decomposition else {
      throw .unsuitableKernel(form: name, kernel: kernel, reason: "there is nothing to factor")
    }
    return decomposition
  }
}

/// Factors a kernel into a form.
///
/// **Throws** `DecomposeError` for kernels that do not fit, for ranks out of range, and for the dense form.
///
/// **Accuracy** and **Complexity** are those of the form's own function.
public func decompose<Element: LapackScalar>(
  _ kernel: Tensor<Element>, into form: FactoredForm, options: DecompositionOptions = DecompositionOptions()
) throws(DecomposeError) -> Decomposition<Element> {
  try form.kind.requireDecomposition(of: kernel.shape)
    .decompose(kernel, ranks: form.ranks, options: options)
}
