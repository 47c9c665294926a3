public import Tensors

/// A kernel as two convolutions run one after the other: the `spatial` and `channel` forms.
///
///     spatial            K[t, s, i, j] ~ sum over r of  second[t, r, 0, j] first[r, s, i, 0]
///     spatial, mirrored  K[t, s, i, j] ~ sum over r of  second[t, r, i, 0] first[r, s, 0, j]
///     channel            K[t, s, ...]  ~ sum over r of  second[t, r, 0...] first[r, s, ...]
///     channel, mirrored  K[t, s, ...]  ~ sum over r of  second[t, r, ...]  first[r, s, 0...]
///
/// **Shapes** the stage weights of the form: `first` [R, S, ...], `second` [T, R, ...], with extent 1 on the axes
/// that a stage leaves alone.
///
/// **Source** Jaderberg et al. arXiv 1405.3866; Tai et al. arXiv 1511.06067; Zhang et al. arXiv 1505.06798.
public struct StagePair<Element: Scalar>: Sendable {
  /// The weights of the stage that runs first, `[R, S, ...]`.
  public let first: Tensor<Element>
  /// The weights of the stage that runs last, `[T, R, ...]`.
  public let second: Tensor<Element>
  /// `spatial` or `channel`, with its rank.
  public let form: FactoredForm
  /// The shape of the kernel that the stages stand for.
  public let kernelShape: Shape

  /// Puts the two stages of a form together.
  ///
  /// **Traps** unless `form` is `spatial` or `channel` and the weights have its stages' shapes.
  public init(first: Tensor<Element>, second: Tensor<Element>, form: FactoredForm, kernelShape: Shape) {
    switch form {
    case .spatial, .channel: break
    default: preconditionFailure("\(form) is not a pair of convolutions")
    }
    let shapes = form.stages(kernel: kernelShape).map(\.weightShape)
    precondition(
      first.shape == shapes[0] && second.shape == shapes[1],
      "stages of \(first.shape) and \(second.shape) for \(form) of a kernel of \(kernelShape)")
    self.first = first
    self.second = second
    self.form = form
    self.kernelShape = kernelShape
  }

  /// The number of channels between the stages, R.
  public var rank: Int { first.shape[0] }
}
