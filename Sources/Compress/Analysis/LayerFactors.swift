import Decompose
import Forms
import Tensors

/// A layer's kernel factored: what is written into the model, and the evidence.
struct LayerFactors: Sendable {
  /// The form and its ranks, which hold for each group.
  let form: FactoredForm
  /// One kernel a stage, the groups one after the other.
  let weights: [Tensor<Float>]
  /// `||K - reconstruction|| / ||K||`, from the factors as stored.
  let relativeError: Double
  /// The same without the BatchNormalization that was folded into K; nil where none was.
  let unfoldedError: Double?
  /// An upper bound that theory gives.
  let errorBound: Double
  /// How the numbers are stored: they are what they are after that.
  let format: WeightFormat
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
    let stages = groups.map { $0.kernel.stageWeights }
    weights = stages[0].indices.map { stage in Tensor(stacked: stages.map { $0[stage] }) }
    relativeError = pooledError(groups.map(\.relativeError), energies)
    errorBound = pooledError(groups.map(\.errorBound), energies)
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
