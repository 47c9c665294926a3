public import Tensors

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
