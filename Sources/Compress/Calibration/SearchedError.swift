import Decompose
import Forms
import Tensors

/// The error of the weights, as `WeightError`, where calibration has analysed the layers already: forms that have to be
/// searched for were so on the way to the data's errors, and are not again.
struct SearchedError: ErrorMeasure {
  /// What calibration knows of the layers.
  let known: ForetoldError
  /// Factors of the layers that are found already, by the name of the first of those that share a kernel, group by group.
  let factors: [String: [Decomposition<Float>]]
  private let weights = WeightError()

  init(known: ForetoldError, factors: [String: [Decomposition<Float>]]) {
    (self.known, self.factors) = (known, factors)
  }

  var title: String { weights.title }
  var phrase: String { weights.phrase }

  func analysis(
    of kernel: Tensor<Float>, group: Int, layer: MeasuredLayer, kind: FormKind
  ) throws(DecomposeError) -> any FormAnalysis {
    guard let decomposition = kind.decomposition, let errors = known.layers[layer.names[0]]?.kinds[kind]
    else {
      return try weights.analysis(of: kernel, group: group, layer: layer, kind: kind)
    }
    let found = factors[layer.names[0]].map { [$0[group]] } ?? []
    return try decomposition.analysis(of: kernel, knowing: errors[group].searched, factors: found)
  }

  func error(of layer: MeasuredLayer, in candidate: RankedForm) -> Double {
    weights.error(of: layer, in: candidate)
  }
}
