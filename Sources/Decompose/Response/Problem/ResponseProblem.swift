public import Forms
import LinearAlgebra
public import Tensors

/// A layer's kernel K and the data that its forms are fitted to: what any kernel W is worth.
///
///     J(W) = E |y - W x - b|² + ridge |W - K|²,   b the best bias: mean of y - W mean of x
///
/// x are patches of the layer's input, y what the layer should respond *without its own bias*: `K x` of the same patches,
/// or, in an asymmetric fit, of the original network's. Covariances are centred where the layer may have a bias. With
/// M = Cxx + ridge and W* = K + (Cyx - K Cxx) M^-1, the kernel of least J,
///
///     J(W) = J(W*) + tr((W - W*) M (W - W*)')
///
/// so every form approximates W* in the norm M. The ridge pulls towards the layer's own kernel: where the data say nothing
/// the weights' norm decides, and as the ridge grows that is all that does. It is the same as n more positions with
/// `x = sqrt(ridge) e_i` and `y = K x`, and relative errors are relative to the energy of y there:
///
///     energy = E |y - mean of y|² + ridge |K|²
///
/// Where a `ResponseMetric` says how much errors count, y, K and W are in its coordinates throughout, as the sums have to be:
/// what goes in as a kernel or factors, and what comes out, is not.
///
/// The ridge is a part of the mean variance of x: 1e-3, or where there are held-out data that of `RidgeChoice`. Patches
/// that do not vary at all leave the weights' norm alone.
///
/// **Memory** one n x n matrix in Double beside the sums handed in, of which those held out are kept; two more while it is
/// set up.
///
/// **Complexity** where y is K x (to the rounding of Float) T n² multiplies for each part of the data, and an eigenproblem of
/// order T for each ridge tried, three as a rule; else n³ / 6 + 2 T n² more for each.
///
/// **Source** Reinsel and Velu 1998, chapter 2 (reduced-rank regression); Zhang et al. arXiv 1505.06798, section 3 (of
/// responses, asymmetric); Kalle et al. arXiv 2511.04494 (the data's norm for Tucker-2 and CP).
public struct ResponseProblem: Sendable {
  /// The kernel of the layer, or of one group of it, [T, S, D...].
  public let kernel: Tensor<Float>
  /// The positions that are fitted to.
  public let positions: Int
  /// The ridge as a part of the mean variance of x.
  public let ridgePart: Double

  /// What errors of the responses count; nil for as much each.
  let metric: ResponseMetric?
  /// K in Double and the metric's coordinates, [T, n].
  let rows: Tensor<Double>
  /// M, [n, n].
  let norm: Tensor<Double>
  /// W* and what it explains.
  let fit: RidgeFit
  let data: FittedData
  private let starts: [FactoredForm: FactoredKernel<Float>]
  /// What forms of one layout share.
  let featureMaps = KnownFeatureMaps()

  /// Sets a fit up; the search for a ridge starts at `ridgePart`, such as that of a former fit of the kernel to similar data.
  /// `starts` are factors that fits start from, such as the kernel's in the weights' norm, which are found where there are none
  /// (see `startsFromWeights`).
  ///
  /// **Shapes** `kernel` [T, S, D...]; sums of responses of T and patches of S D... numbers, the responses in the coordinates of
  /// `metric` where there is one.
  ///
  /// **Throws** `DecomposeError`: a kernel without elements, numbers that are not finite, sums of no positions.
  ///
  /// **Traps** where the sums are of other extents than the kernel's.
  public init(
    kernel: Tensor<Float>, moments: ResponseMoments, heldOut: ResponseMoments? = nil, fitsBias: Bool,
    metric: ResponseMetric? = nil, ridgePart: Double? = nil,
    startingFrom starts: [FactoredKernel<Float>] = []
  ) throws(DecomposeError) {
    try kernel.requireKernel(form: "low-rank")
    try moments.require(for: kernel.shape)
    try heldOut?.require(for: kernel.shape)
    let outputs = kernel.shape[0]
    precondition(
      metric.map { $0.responses == outputs } ?? true, "a metric of other responses than \(outputs)")
    let plain = kernel.reshaped([outputs, kernel.count / outputs]).converted(to: Double.self)
    let rows = metric?.weighed(plain) ?? plain
    (self.kernel, self.metric, self.rows, positions) = (kernel, metric, rows, moments.count)
    self.starts = Dictionary(starts.map { ($0.form, $0) }) { $1 }
    (data, self.ridgePart, norm, fit) = try reproducibly { () throws(DecomposeError) in
      let reference = fitsBias ? moments : nil
      let fitted = CentredMoments(moments, about: reference, kernel: rows)
      let held = heldOut.map { CentredMoments($0, about: reference, kernel: rows) }
      let choice = RidgeChoice(
        kernel: rows, moments: fitted, heldOut: held, start: ridgePart ?? RidgeChoice.defaultPart)
      let (part, norm, fit) = try choice.run()
      return (FittedData(fitted, heldOut: held, reference: reference), part, norm, fit)
    }
  }

  /// The ridge, in squared units of x.
  public var ridge: Double { fit.ridge }
  /// What errors in the fitted norm are relative to: `E |y - mean of y|² + ridge |K|²`.
  public var energy: Double { fit.energy }

  /// `sqrt(J / energy)`; 0 where both are 0.
  func relativeError(_ error: Double) -> Double { energy > 0 ? (max(0, error) / energy).squareRoot() : 0 }

  /// Whether fits to data in a form start from its factors in the weights' norm; the others have a closed form.
  public static func startsFromWeights(_ kind: FormKind, kernel: Shape) -> Bool {
    kind.isSearched || FeatureLayout(kind, kernel: kernel) != nil
  }

  /// The factors that a fit starts from, in the kernel's own coordinates.
  func start(_ form: FactoredForm) throws(DecomposeError) -> FactoredKernel<Float> {
    if let known = starts[form] { return known }
    return try decompose(kernel, into: form).kernel
  }

  /// The kernel analysed for a kind of form, with errors in the data's norm.
  ///
  /// **Throws** `DecomposeError` where the form does not suit the kernel.
  public func analysis(_ kind: FormKind) throws(DecomposeError) -> any FormAnalysis {
    guard kind.fits(kernel: kernel.shape) else {
      throw .unsuitableKernel(
        form: kind.name, kernel: kernel.shape, reason: "it needs \(kind.domain.requirement)")
    }
    guard !kind.ranks.isEmpty else {
      throw .unsuitableKernel(form: kind.name, kernel: kernel.shape, reason: "there is nothing to factor")
    }
    if kind.isSearched {
      return try CPForms(kernel, CPFormDecomposition(kind: kind), data: CPResponseSearch(problem: self))
    }
    if let layout = FeatureLayout(kind, kernel: kernel.shape) {
      return try FeatureForms(problem: self, kind: kind, layout: layout)
    }
    return ReducedRankForms(problem: self, kind: kind)
  }
}
