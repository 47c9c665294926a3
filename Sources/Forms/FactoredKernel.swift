public import Tensors

/// A kernel in one of the factored forms: what `Decompose` makes, `Conv` runs and `Compress` writes into a model.
///
/// The formula that the parts stand for is in the description of the kind; `Tucker2Factors` and the like give them names.
public struct FactoredKernel<Element: Scalar>: Sendable {
  /// The form and its ranks.
  public let form: FactoredForm
  /// The shape of the dense kernel, `[T, S, D...]`.
  public let kernelShape: Shape
  /// The factors in the order of `form.kind.parts`.
  public let parts: [Tensor<Element>]

  /// Puts factors together.
  ///
  /// **Shapes** `form.partShapes(kernel:)`. **Traps** for others, and where the form does not fit the kernel.
  public init(form: FactoredForm, kernelShape: Shape, parts: [Tensor<Element>]) {
    let shapes = form.partShapes(kernel: kernelShape)
    precondition(
      parts.map(\.shape) == shapes, "parts of \(parts.map(\.shape)) for \(form) of a kernel of \(kernelShape)"
    )
    self.form = form
    self.kernelShape = kernelShape
    self.parts = parts
  }

  /// The weights of each stage, as convolution kernels in the order of `form.stages(kernel:)`.
  ///
  /// **Complexity** copies only the factor that has to be transposed.
  public var stageWeights: [Tensor<Element>] {
    let byName = Dictionary(uniqueKeysWithValues: zip(form.kind.parts, parts))
    return zip(form.kind.stages, form.stages(kernel: kernelShape)).compactMap { stage, shape in
      byName[stage.name].map { part in
        (stage.layout == .transposed ? part.permuted([1, 0]) : part).reshaped(shape.weightShape)
      }
    }
  }

  /// The same form with each factor put through `transform`, which must keep its shape.
  public func mapFactors(_ transform: (Tensor<Element>) -> Tensor<Element>) -> FactoredKernel {
    FactoredKernel(form: form, kernelShape: kernelShape, parts: parts.map(transform))
  }

  /// The same form with the factor whose rows are the output channels put through `transform`, which must keep its shape: so a
  /// linear map of the channels is one of this factor alone.
  public func mapOutputs(_ transform: (Tensor<Element>) -> Tensor<Element>) -> FactoredKernel {
    let extents = form.kind.partExtents(spatialAxes: kernelShape.order - 2)
    let parts = zip(extents, parts).map { extents, part in
      extents.first == .channels(.outputs) ? transform(part) : part
    }
    return FactoredKernel(form: form, kernelShape: kernelShape, parts: parts)
  }

  /// The same factors in another precision, rounded to nearest.
  public func converted<Other: Scalar>(to: Other.Type = Other.self) -> FactoredKernel<Other> {
    FactoredKernel<Other>(form: form, kernelShape: kernelShape, parts: parts.map { $0.converted() })
  }
}
