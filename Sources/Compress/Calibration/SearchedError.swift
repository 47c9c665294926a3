import Decompose
import Forms
import Tensors

/// The error of the weights, as `WeightError`, where calibration has analysed the layers already: forms that have to be
/// searched for were so on the way to the data's errors, and are not again.
struct SearchedError: ErrorMeasure {
  /// What calibration knows of the layers.
  let known: ForetoldError
  private let weights = WeightError()

  init(known: ForetoldError) { self.known = known }

  var title: String { weights.title }
  var phrase: String { weights.phrase }

  func analysis(
    of kernel: Tensor<Float>, group: Int, layer: MeasuredLayer, kind: FormKind
  ) throws(DecomposeError) -> any FormAnalysis {
    guard let decomposition = kind.decomposition, let errors = known.layers[layer.names[0]]?.kinds[kind]
    else {
      return try weights.analysis(of: kernel, group: group, layer: layer, kind: kind)
    }
    return try decomposition.analysis(of: kernel, knowing: errors[group].searched)
  }

  func error(of layer: MeasuredLayer, in candidate: RankedForm) -> Double {
    weights.error(of: layer, in: candidate)
  }
}
