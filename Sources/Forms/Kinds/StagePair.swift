public import Tensors

/// A kernel as two convolutions run one after the other: the `spatial` and `channel` forms, whose formulas are theirs.
///
/// **Shapes** the stage weights of the form: `first` [R, S, ...], `second` [T, R, ...], with extent 1 on the axes
/// that a stage leaves alone.
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
  /// **Traps** unless `form` is of two convolutions and the weights have its stages' shapes.
  public init(first: Tensor<Element>, second: Tensor<Element>, form: FactoredForm, kernelShape: Shape) {
    precondition(Self.isPair(form.kind), "\(form) is not a pair of convolutions")
    let shapes = form.partShapes(kernel: kernelShape)
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

  /// Whether a kind of form is of two convolutions.
  public static func isPair(_ kind: FormKind) -> Bool { kind.parts == ["first", "second"] }

  /// The stages by name; nil for a kernel in a form of other parts.
  public init?(_ kernel: FactoredKernel<Element>) {
    guard Self.isPair(kernel.form.kind) else { return nil }
    self.init(
      first: kernel.parts[0], second: kernel.parts[1], form: kernel.form, kernelShape: kernel.kernelShape)
  }
}

extension FactoredKernel {
  /// A kernel as two convolutions.
  public static func pair(_ factors: StagePair<Element>) -> FactoredKernel {
    FactoredKernel(
      form: factors.form, kernelShape: factors.kernelShape, parts: [factors.first, factors.second])
  }
}
