public import ModelGraph
public import Forms
public import Tensors

/// What a layer becomes: the stages of a form and their weights.
public struct LayerReplacement: Sendable {
  /// The layer.
  public let layer: FactorableLayer
  /// The form and its ranks.
  public let form: FactoredForm
  /// One kernel a stage, in the order of `form.stages(kernel:groups:)`.
  public let weights: [Tensor<Float>]
  /// What the data would have added to the layer's bias, in units of `K x`, one an output channel; empty for nothing.
  public let biasShift: [Double]
  /// How they are stored.
  let format: WeightFormat

  /// Puts a replacement together.
  ///
  /// **Traps** where the layer cannot be factored or a weight has not the shape of its stage.
  public init(layer: FactorableLayer, form: FactoredForm, weights: [Tensor<Float>], biasShift: [Double] = [])
  {
    self.init(layer: layer, form: form, weights: weights, biasShift: biasShift, format: .original)
  }

  /// The same, with weights that a format holds exactly.
  init(
    layer: FactorableLayer, form: FactoredForm, weights: [Tensor<Float>], biasShift: [Double],
    format: WeightFormat
  ) {
    guard let kernel = layer.kernelShape, layer.obstacle == nil else {
      preconditionFailure("layer \(layer.name) cannot be factored: \(layer.obstacle ?? "no weight")")
    }
    let shapes = form.stages(kernel: kernel, groups: layer.groups).map(\.weightShape)
    precondition(weights.map(\.shape) == shapes, "weights of \(weights.map(\.shape)), not \(shapes)")
    self.layer = layer
    self.form = form
    self.weights = weights
    self.biasShift = biasShift
    self.format = format
  }
}
