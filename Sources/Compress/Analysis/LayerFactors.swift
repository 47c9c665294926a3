import Decompose
import Forms
import Tensors

/// A layer's kernel factored: what is written into the model, and the evidence.
struct LayerFactors: Sendable {
  /// The form and its ranks, which hold for each group.
  let form: FactoredForm
  /// The factors of each group, as stored.
  let kernels: [FactoredKernel<Float>]
  /// `||K - reconstruction|| / ||K||`, from the factors as stored.
  let relativeError: Double
  /// The same without the BatchNormalization that was folded into K; nil where none was.
  let unfoldedError: Double?
  /// An upper bound that theory gives.
  let errorBound: Double
  /// How the numbers are stored: they are what they are after that.
  let format: WeightFormat
  /// What the data said of them; nil where there were none.
  var response: LayerResponse?

  /// One kernel a stage, the groups one after the other.
  var weights: [Tensor<Float>] {
    let stages = kernels.map(\.stageWeights)
    return stages[0].indices.map { stage in Tensor(stacked: stages.map { $0[stage] }) }
  }
  /// The relative error in the norm that the factors were fitted in.
  var fittedError: Double { response?.fittedError ?? relativeError }
  /// What is to be added to the layer's bias, one an output channel; empty for nothing.
  var biasShift: [Double] { response?.biasShift ?? [] }
}

/// How near the responses of a factored layer come to those wanted, over all groups; behind a rectifier where they were fitted there.
struct LayerResponse: Sendable {
  /// The relative error on the data that were fitted to.
  private(set) var dataError: Double
  /// The same on data held out; nil where there were none.
  private(set) var heldOutError: Double?
  /// What was made least, the ridge included.
  let fittedError: Double
  /// One an output channel; empty where nothing can be added.
  let biasShift: [Double]
}

extension LayerResponse {
  /// Puts other errors in the place of those of the fit.
  mutating func setErrors(data: Double, heldOut: Double?) { (dataError, heldOutError) = (data, heldOut) }
}

extension LayerFactors {
  /// Puts the factors of the groups of one kernel together.
  ///
  /// Groups stand one after the other along the output channels of every stage. `energies` are the squared norms of the
  /// groups' kernels.
  init(groups: [Decomposition<Float>], energies: [Double], unfoldedError: Double?, format: WeightFormat) {
    self.unfoldedError = unfoldedError
    self.format = format
    form = groups[0].kernel.form
    kernels = groups.map(\.kernel)
    relativeError = pooledError(groups.map(\.relativeError), energies)
    errorBound = pooledError(groups.map(\.errorBound), energies)
    response = LayerResponse(groups.compactMap(\.response), energies: energies)
  }
}

extension LayerResponse {
  /// Nil where there are no data.
  fileprivate init?(_ groups: [ResponseCertificate], energies: [Double]) {
    guard groups.count == energies.count else { return nil }
    dataError = pooledError(groups.map(\.relativeError), energies)
    let held = groups.compactMap(\.heldOutError)
    heldOutError = held.count == groups.count ? pooledError(held, energies) : nil
    fittedError = pooledError(groups.map(\.fittedError), energies)
    biasShift = groups.flatMap(\.biasShift)
  }
}

/// The relative error of a whole whose parts have these relative errors and energies.
func pooledError(_ errors: [Double], _ energies: [Double]) -> Double {
  if errors.count == 1 { return errors[0] }
  let total = energies.reduce(0, +)
  guard total > 0 else { return errors.max() ?? 0 }
  return zip(errors, energies).reduce(0) { $0 + $1.0 * $1.0 * ($1.1 / total) }.squareRoot()
}

extension Tensor {
  /// Tensors of the same shape one after the other along the first axis.
  fileprivate init(stacked parts: [Tensor]) {
    guard parts.count > 1 else {
      self = parts[0]
      return
    }
    let shape = parts[0].shape
    let extents = [shape[0] * parts.count] + shape.extents.dropFirst()
    self.init(shape: Shape(extents), elements: parts.flatMap(\.elements))
  }
}
