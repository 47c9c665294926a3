public import Tensors

extension FormKind {
  /// `K ~ left right`, for 1x1 convolutions and fully connected layers: two matrices.
  public static let svd = FormKind(
    "svd", ranks: [Rank("rank", cutting: .matrix)], domain: .pointwise,
    parts: ["left", "right"],
    stages: [
      // A stride on a 1x1 convolution drops positions, so the stage that drops them comes first.
      FormStage("right", from: .inputs, to: .rank(0), axes: .all, layout: .matrix),
      FormStage("left", from: .rank(0), to: .outputs, axes: .none, layout: .matrix),
    ],
    fullRanks: { [min($0[0], $0[1])] })
}

extension FactoredForm {
  /// `K ~ left right`, for 1x1 convolutions and fully connected layers: two matrices.
  public static func svd(rank: Int) -> FactoredForm { FactoredForm(.svd, ranks: [rank]) }
}

/// A matrix (or a 1x1 kernel) as a product of two thin ones.
///
///     W[t, s] ~ sum over r of  left[t, r] right[r, s]
///
/// **Shapes** `left` [T, R], `right` [R, S].
public struct MatrixFactors<Element: Scalar>: Sendable {
  /// The matrix applied last, `[T, R]`.
  public let left: Tensor<Element>
  /// The matrix applied first, `[R, S]`.
  public let right: Tensor<Element>
  /// The shape of the kernel that the factors stand for: `[T, S]`, or `[T, S, 1...]` for a 1x1 convolution.
  public let kernelShape: Shape

  /// Puts factors together.
  ///
  /// **Traps** where the inner extents differ or `kernelShape` is not `[T, S, 1...]`.
  public init(left: Tensor<Element>, right: Tensor<Element>, kernelShape: Shape) {
    precondition(
      left.shape.order == 2 && right.shape.order == 2 && left.shape[1] == right.shape[0],
      "a left matrix of \(left.shape) and a right one of \(right.shape)")
    precondition(
      kernelShape.order >= 2 && kernelShape[0] == left.shape[0] && kernelShape[1] == right.shape[1]
        && kernelShape.extents.dropFirst(2).allSatisfy { $0 == 1 },
      "matrices of \(left.shape) and \(right.shape) for a kernel of \(kernelShape)")
    self.left = left
    self.right = right
    self.kernelShape = kernelShape
  }

  /// The rank R.
  public var rank: Int { left.shape[1] }
}

extension FactoredKernel {
  /// A matrix, or a 1x1 kernel, as a product of two.
  public static func svd(_ factors: MatrixFactors<Element>) -> FactoredKernel {
    FactoredKernel(
      form: .svd(rank: factors.rank), kernelShape: factors.kernelShape, parts: [factors.left, factors.right])
  }
}

extension MatrixFactors {
  /// The factors by name; nil for a kernel in another form.
  public init?(_ kernel: FactoredKernel<Element>) {
    guard kernel.form.kind == .svd else { return nil }
    self.init(left: kernel.parts[0], right: kernel.parts[1], kernelShape: kernel.kernelShape)
  }
}
