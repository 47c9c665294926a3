public import Tensors

/// A kernel in one of the factored forms: what `Decompose` makes, `Conv` runs and `Compress` writes into a model.
public enum FactoredKernel<Element: Scalar>: Sendable {
  /// Tucker-2: 1x1, core, 1x1.
  case tucker2(Tucker2Factors<Element>)
  /// CP over the channel modes: 1x1, depthwise D x D, 1x1.
  case cp3(CP3Factors<Element>)
  /// CP over all modes: 1x1, depthwise D x 1, depthwise 1 x D, 1x1.
  case cp4(CP4Factors<Element>)
  /// Two convolutions: the spatial and the channel form.
  case pair(StagePair<Element>)
  /// Two matrices, for 1x1 convolutions and fully connected layers.
  case svd(MatrixFactors<Element>)

  /// The form and its ranks.
  public var form: FactoredForm {
    switch self {
    case .tucker2(let f): .tucker2(outputRank: f.outputRank, inputRank: f.inputRank)
    case .cp3(let f): .cp3(rank: f.rank)
    case .cp4(let f): .cp4(rank: f.rank)
    case .pair(let f): f.form
    case .svd(let f): .svd(rank: f.rank)
    }
  }

  /// The shape of the dense kernel, `[T, S, D...]`.
  public var kernelShape: Shape {
    switch self {
    case .tucker2(let f): f.kernelShape
    case .cp3(let f): f.kernelShape
    case .cp4(let f): f.kernelShape
    case .pair(let f): f.kernelShape
    case .svd(let f): f.kernelShape
    }
  }

  /// The weights of each stage, as convolution kernels in the order of `form.stages(kernel:)`.
  ///
  /// **Complexity** copies only the factor that has to be transposed.
  public var stageWeights: [Tensor<Element>] {
    let shapes = form.stages(kernel: kernelShape).map(\.weightShape)
    let weights: [Tensor<Element>] =
      switch self {
      case .tucker2(let f): [f.mode2.permuted([1, 0]), f.core, f.mode1]
      case .cp3(let f): [f.mode2.permuted([1, 0]), f.kernel, f.mode1]
      case .cp4(let f): [f.mode2.permuted([1, 0]), f.vertical, f.horizontal, f.mode1]
      case .pair(let f): [f.first, f.second]
      case .svd(let f): [f.right, f.left]
      }
    return zip(weights, shapes).map { $0.reshaped($1) }
  }

  /// The same form with each factor put through `transform`, which must keep its shape.
  public func mapFactors(_ transform: (Tensor<Element>) -> Tensor<Element>) -> FactoredKernel {
    switch self {
    case .tucker2(let f):
      .tucker2(
        Tucker2Factors(core: transform(f.core), mode1: transform(f.mode1), mode2: transform(f.mode2)))
    case .cp3(let f):
      .cp3(CP3Factors(mode1: transform(f.mode1), mode2: transform(f.mode2), kernel: transform(f.kernel)))
    case .cp4(let f):
      .cp4(
        CP4Factors(
          mode1: transform(f.mode1), mode2: transform(f.mode2), vertical: transform(f.vertical),
          horizontal: transform(f.horizontal)))
    case .pair(let f):
      .pair(
        StagePair(
          first: transform(f.first), second: transform(f.second), form: f.form, kernelShape: f.kernelShape))
    case .svd(let f):
      .svd(MatrixFactors(left: transform(f.left), right: transform(f.right), kernelShape: f.kernelShape))
    }
  }

  /// The same factors in another precision, rounded to nearest.
  public func converted<Other: Scalar>(to: Other.Type = Other.self) -> FactoredKernel<Other> {
    switch self {
    case .tucker2(let f):
      .tucker2(
        Tucker2Factors(core: f.core.converted(), mode1: f.mode1.converted(), mode2: f.mode2.converted()))
    case .cp3(let f):
      .cp3(CP3Factors(mode1: f.mode1.converted(), mode2: f.mode2.converted(), kernel: f.kernel.converted()))
    case .cp4(let f):
      .cp4(
        CP4Factors(
          mode1: f.mode1.converted(), mode2: f.mode2.converted(), vertical: f.vertical.converted(),
          horizontal: f.horizontal.converted()))
    case .pair(let f):
      .pair(
        StagePair(
          first: f.first.converted(), second: f.second.converted(), form: f.form, kernelShape: f.kernelShape))
    case .svd(let f):
      .svd(MatrixFactors(left: f.left.converted(), right: f.right.converted(), kernelShape: f.kernelShape))
    }
  }
}
