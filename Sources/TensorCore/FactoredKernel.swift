/// A kernel in one of the factored forms: what `Decompose` makes, `Conv` runs and `Compress` writes into a model.
public enum FactoredKernel<Element: Scalar>: Sendable {
  /// Tucker-2: 1x1, core, 1x1.
  case tucker2(Tucker2Factors<Element>)
  /// Two matrices, for 1x1 convolutions and fully connected layers.
  case svd(MatrixFactors<Element>)

  /// The form and its ranks.
  public var form: FactoredForm {
    switch self {
    case .tucker2(let f): .tucker2(outputRank: f.outputRank, inputRank: f.inputRank)
    case .svd(let f): .svd(rank: f.rank)
    }
  }

  /// The shape of the dense kernel, `[T, S, D...]`.
  public var kernelShape: Shape {
    switch self {
    case .tucker2(let f): f.kernelShape
    case .svd(let f): f.kernelShape
    }
  }

  /// The weights of each stage, as convolution kernels in the order of `form.stages(kernel:)`.
  ///
  /// **Complexity** copies only the factor that has to be transposed.
  public var stageWeights: [Tensor<Element>] {
    let shapes = form.stages(kernel: kernelShape).map(\.weightShape)
    switch self {
    case .tucker2(let f):
      return [f.mode2.permuted([1, 0]).reshaped(shapes[0]), f.core, f.mode1.reshaped(shapes[2])]
    case .svd(let f):
      return [f.right.reshaped(shapes[0]), f.left.reshaped(shapes[1])]
    }
  }

  /// The same factors in another precision, rounded to nearest.
  public func converted<Other: Scalar>(to: Other.Type = Other.self) -> FactoredKernel<Other> {
    switch self {
    case .tucker2(let f):
      .tucker2(
        Tucker2Factors(core: f.core.converted(), mode1: f.mode1.converted(), mode2: f.mode2.converted()))
    case .svd(let f):
      .svd(MatrixFactors(left: f.left.converted(), right: f.right.converted(), kernelShape: f.kernelShape))
    }
  }
}
