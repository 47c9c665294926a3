public import Forms
import LinearAlgebra
public import Tensors

/// A form with its ranks and how near it comes.
public struct RankedForm: Hashable, Sendable {
  /// The form.
  public let form: FactoredForm
  /// Its relative error.
  public let relativeError: Double

  /// Puts both together.
  public init(form: FactoredForm, relativeError: Double) {
    self.form = form
    self.relativeError = relativeError
  }
}

/// One kernel analysed for one kind of form, whichever it is: the errors of its ranks, and the factors of those chosen.
///
/// Not for use by several threads: forms that have to be tried remember what they tried.
public protocol FormAnalysis {
  /// The kind of form.
  var kind: FormKind { get }
  /// The kernel that was analysed.
  var kernel: Tensor<Float> { get }
  /// The ranks that retain a part of the energy, one a mode.
  func ranks(energy: Double) throws(DecomposeError) -> [Int]
  /// The ranks that EVBMF finds, weakened by a factor, one a mode.
  func variationalRanks(factor: Double) throws(DecomposeError) -> [Int]
  /// Forms over the useful range of ranks, all multiples of `multiple` or full, with their errors; in the same order
  /// for all kernels of one shape. No iteration that is to come raises an error, but for forms that are searched: theirs are
  /// interpolated between ranks tried and foretold to be no larger than with fewer terms, which the factors need not come to.
  func candidates(multiple: Int) throws(DecomposeError) -> [RankedForm]
  /// The relative error of a form with any ranks: for closed forms that of the truncation, which no iteration that is to
  /// come raises, else that of its factors.
  func relativeError(_ form: FactoredForm) throws(DecomposeError) -> Double
  /// What the errors are relative to, so that those of several groups can be put together: in the weights' norm `||K||²`.
  var energy: Double { get }
  /// The factors of a form.
  func decomposition(_ form: FactoredForm) throws(DecomposeError) -> Decomposition<Float>
  /// A decomposition with its factors put through `transform`, e.g. rounded, and its error taken anew.
  func mapped(
    _ decomposition: Decomposition<Float>, _ transform: (Tensor<Float>) -> Tensor<Float>
  ) -> Decomposition<Float>
  /// What is lost at each rank, from what the analysis knows by now.
  var curves: [SpectrumCurve] { get }
  /// The errors in the weights' norm at the ranks that were tried so far, whatever norm the analysis goes by; empty for forms
  /// that need no search.
  var searched: [Int: Double] { get }
}

extension FormAnalysis {
  /// The ranks at which nothing is saved any more, one a mode.
  public var fullRanks: [Int] { kind.fullRanks(kernel: kernel.shape) }

  /// Nothing is searched.
  public var searched: [Int: Double] { [:] }

  /// `||K||²`.
  public var energy: Double { kernel.squaredNorm }

  /// With the error in the weights' norm.
  public func mapped(
    _ decomposition: Decomposition<Float>, _ transform: (Tensor<Float>) -> Tensor<Float>
  ) -> Decomposition<Float> {
    decomposition.mapFactors(of: kernel, transform)
  }

  /// The curves of the energies that each rank cuts off.
  func curves(_ energies: [Double]...) -> [SpectrumCurve] {
    zip(kind.ranks, energies).map { SpectrumCurve(name: $0.spectrum.name, energies: $1) }
  }
}

/// The ranks from `multiple` on in steps that keep their number moderate, and the full one.
func rankGrid(upTo extent: Int, multiple: Int) -> [Int] {
  let mostSteps = 256
  let step = multiple * max(1, (extent / multiple + mostSteps - 1) / mostSteps)
  return Array(stride(from: step, to: extent, by: step)) + [extent]
}
