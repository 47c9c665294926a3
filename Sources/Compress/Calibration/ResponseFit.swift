import Decompose
import Forms
import Tensors

/// The error of a layer's responses to data, `E |y - W x - b|² / E |y - mean of y|²`, of one layer whose moments are at hand.
struct ResponseFit: ErrorMeasure {
  let title = "sum of squared errors"
  let phrase = "sum of the layers' squared relative errors"
  /// One a group of channels.
  let problems: [ResponseProblem]

  /// Sets the fits of a layer up.
  ///
  /// **Throws** `DecomposeError` for sums of no use.
  init(_ kernel: Tensor<Float>, _ moments: LayerMoments, fitsBias: Bool) throws(DecomposeError) {
    let outputs = kernel.shape[0] / moments.groups.count
    var problems: [ResponseProblem] = []
    for (group, sums) in moments.groups.enumerated() {
      let part =
        moments.groups.count == 1
        ? kernel : Tensor(kernel.view.sliced(axis: 0, (group * outputs)..<((group + 1) * outputs)))
      let held = sums.heldOut.count > 0 ? sums.heldOut : nil
      problems.append(
        try ResponseProblem(kernel: part, moments: sums.fitted, heldOut: held, fitsBias: fitsBias))
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
