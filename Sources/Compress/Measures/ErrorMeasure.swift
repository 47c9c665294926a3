public import Decompose
public import Forms
public import Tensors

/// What is lost where layers are brought into forms: what is made least under a budget.
///
/// The sum over the layers of `sensitivity x error(of:in:)` is what allocation, bounds, trade-offs and reports go by; which
/// norm the errors are relative in is the analysis's to say.
public protocol ErrorMeasure: Sendable {
  /// What the sum is, for people: `sum of squared errors`.
  var title: String { get }
  /// The same within a sentence: `sum of the layers' squared relative errors`.
  var phrase: String { get }

  /// Analyses the kernel of one group of a layer for a kind of form: the errors of its ranks, and factors that make them
  /// small.
  ///
  /// **Shapes** `kernel` [T / groups, S / groups, D...], that of `group`.
  ///
  /// **Throws** `DecomposeError` where the form does not suit the kernel or its numbers are not finite.
  func analysis(
    of kernel: Tensor<Float>, group: Int, layer: MeasuredLayer, kind: FormKind
  ) throws(DecomposeError) -> any FormAnalysis

  /// What a layer in a form of this relative error adds to the sum.
  func error(of layer: MeasuredLayer, in candidate: RankedForm) -> Double

  /// Asked when layers have been factored: throws what went wrong with the data that analyses go by. A layer whose analysis fails
  /// is kept, which is right for its kernel's sake and wrong for a file's that cannot be read.
  func requireSound() throws(CompressError)
}

extension ErrorMeasure {
  /// Nothing can go wrong.
  public func requireSound() throws(CompressError) {}
}

/// The squared relative error of the weights, `||K - reconstruction||² / ||K||²`: no data are needed.
public struct WeightError: ErrorMeasure {
  /// `sum of squared errors`.
  public let title = "sum of squared errors"
  /// `sum of the layers' squared relative errors`.
  public let phrase = "sum of the layers' squared relative errors"

  /// The measure.
  public init() {}

  /// The analysis of the form's own decomposition.
  public func analysis(
    of kernel: Tensor<Float>, group: Int, layer: MeasuredLayer, kind: FormKind
  ) throws(DecomposeError) -> any FormAnalysis {
    guard let decomposition = kind.decomposition else {
      throw .unsuitableKernel(form: kind.name, kernel: kernel.shape, reason: "there is nothing to factor")
    }
    return try decomposition.analysis(of: kernel)
  }

  /// The square of the relative error.
  public func error(of layer: MeasuredLayer, in candidate: RankedForm) -> Double {
    candidate.relativeError * candidate.relativeError
  }
}
