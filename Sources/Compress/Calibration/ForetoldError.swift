import Decompose
import Forms
import Tensors

/// What the data foretell of each layer in each form: the squared relative error of the network's outputs that the layer alone
/// would cause.
///
///     w |y - y'|² / |y - mean y|²
///
/// w is the layer's weight: what an error of its response does to the outputs, from a probe (see `OutputProbe`). Layers that
/// no data reach go by the error of their weights, as if their inputs were white noise, and a weight of 1.
struct ForetoldError: ErrorMeasure {
  let title = "sum of foretold squared output errors"
  let phrase = "sum of the squared errors that the layers alone are foretold to cause in the outputs"

  /// What is known of a layer.
  struct Layer: Sendable {
    /// By kind of form, group by group: the errors, and what they are relative to.
    var kinds: [FormKind: [GroupErrors]]
    /// What an error of the layer does to the outputs.
    var weight: Double
    /// The ridges that the errors are with, by group: see `ResponseProblem.ridgePart`.
    var ridgeParts: [Double]?
  }

  /// The errors of one group of a layer in one kind of form.
  struct GroupErrors: Sendable {
    let candidates: [RankedForm]
    let energy: Double
    let curves: [SpectrumCurve]
    /// The errors in the weights' norm that a search came by.
    var searched: [Int: Double] = [:]
  }

  /// By the name of the first of the layers that share a kernel.
  var layers: [String: Layer] = [:]

  func analysis(
    of kernel: Tensor<Float>, group: Int, layer: MeasuredLayer, kind: FormKind
  ) throws(DecomposeError) -> any FormAnalysis {
    guard let known = layers[layer.names[0]] else {
      return try WeightError().analysis(of: kernel, group: group, layer: layer, kind: kind)
    }
    guard let errors = known.kinds[kind]?[group] else {
      throw .unsuitableKernel(
        form: kind.name, kernel: kernel.shape, reason: "it could not be fitted to the data")
    }
    return RecordedAnalysis(kind: kind, kernel: kernel, errors: errors)
  }

  func error(of layer: MeasuredLayer, in candidate: RankedForm) -> Double {
    (layers[layer.names[0]]?.weight ?? 1) * candidate.relativeError * candidate.relativeError
  }
}

/// An analysis in the data's norm whose data are no more at hand: the errors of its ranks, to choose by.
private struct RecordedAnalysis: FormAnalysis {
  let kind: FormKind
  let kernel: Tensor<Float>
  let errors: ForetoldError.GroupErrors

  var energy: Double { errors.energy }
  var curves: [SpectrumCurve] { errors.curves }

  func candidates(multiple: Int) -> [RankedForm] { errors.candidates }

  func relativeError(_ form: FactoredForm) throws(DecomposeError) -> Double {
    guard let known = errors.candidates.first(where: { $0.form == form }) else { throw gone }
    return known.relativeError
  }

  func ranks(energy: Double) throws(DecomposeError) -> [Int] { throw gone }
  func variationalRanks(factor: Double) throws(DecomposeError) -> [Int] { throw gone }
  func decomposition(_ form: FactoredForm) throws(DecomposeError) -> Decomposition<Float> { throw gone }

  private var gone: DecomposeError {
    .unsuitableKernel(form: kind.name, kernel: kernel.shape, reason: "its data are no more at hand")
  }
}
