import ModelGraph
import Tensors

/// A layer's kernel as it is factored: with BatchNormalization folded in where the layer has one to fold.
struct LayerKernel: Sendable {
  /// `[T, S / groups, D...]`.
  let values: Tensor<Float>
  /// How its factors will be stored.
  let type: ElementType
  /// What folding multiplied each output channel with; nil where nothing was folded.
  let foldedScale: [Double]?
  /// The version of the operators that the model is written in.
  let opset: Int
}

extension ModelGraph {
  /// The kernel of a layer with what its factors will go through.
  ///
  /// **Throws** `ModelError` where the weight cannot be read.
  func layerKernel(of layer: FactorableLayer) throws(ModelError) -> LayerKernel {
    LayerKernel(
      values: try kernel(of: layer), type: layer.elementType ?? .float32, foldedScale: layer.foldedScale,
      opset: opsetVersion)
  }
}
