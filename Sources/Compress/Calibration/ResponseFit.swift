import Decompose
import Forms
import Tensors

/// The error of a layer's responses to data, `E |y - W x - b|² / E |y - mean of y|²`, of one layer whose moments are at hand.
struct ResponseFit: ErrorMeasure {
  let title = "sum of squared errors"
  let phrase = "sum of the layers' squared relative errors"
  /// One a group of channels.
  let problems: [ResponseProblem]

  /// Sets the fits of a layer up, with moments in the coordinates of `metric`; `ridgeParts` are those of a former fit of it, by
  /// group, and `starts` the factors that fits begin at.
  ///
  /// **Throws** `DecomposeError` for sums of no use.
  init(
    _ kernel: Tensor<Float>, _ moments: LayerMoments, metric: LayerMetric? = nil, fitsBias: Bool,
    ridgeParts: [Double]? = nil, starts: [FactoredKernel<Float>]? = nil
  ) throws(DecomposeError) {
    var problems: [ResponseProblem] = []
    for (group, (sums, part)) in zip(moments.groups, kernel.parts(moments.groups.count)).enumerated() {
      let held = sums.heldOut.count > 0 ? sums.heldOut : nil
      problems.append(
        try ResponseProblem(
          kernel: part, moments: sums.fitted, heldOut: held, fitsBias: fitsBias, metric: metric?[group],
          ridgePart: ridgeParts?[group], startingFrom: starts.map { [$0[group]] } ?? []))
    }
    self.problems = problems
  }

  func analysis(
    of kernel: Tensor<Float>, group: Int, layer: MeasuredLayer, kind: FormKind
  ) throws(DecomposeError) -> any FormAnalysis {
    try problems[group].analysis(kind)
  }

  func error(of layer: MeasuredLayer, in candidate: RankedForm) -> Double {
    candidate.relativeError * candidate.relativeError
  }
}
