public import Tensors

/// A kernel as a sum of rank-one terms over its channel modes, each with a spatial kernel of its own.
///
///     K[t, s, ...] ~ sum over r of  mode1[t, r] mode2[s, r] kernel[r, ...]
///
/// **Shapes** `mode1` [T, R], `mode2` [S, R], `kernel` [R, D...] with one or more spatial axes.
///
/// **Source** Astrid and Lee arXiv 1701.07148; Kolda and Bader 2009, section 3.
public struct CP3Factors<Element: Scalar>: Sendable {
  /// The factor matrix of the output channels, `[T, R]`.
  public let mode1: Tensor<Element>
  /// The factor matrix of the input channels, `[S, R]`.
  public let mode2: Tensor<Element>
  /// The spatial kernel of each term, `[R, D...]`.
  public let kernel: Tensor<Element>

  /// Puts factors together.
  ///
  /// **Traps** where their ranks differ or the kernel has no spatial axis.
  public init(mode1: Tensor<Element>, mode2: Tensor<Element>, kernel: Tensor<Element>) {
    precondition(
      mode1.shape.order == 2 && mode2.shape.order == 2 && kernel.shape.order >= 2
        && mode1.shape[1] == kernel.shape[0] && mode2.shape[1] == kernel.shape[0],
      "factor matrices of \(mode1.shape) and \(mode2.shape) with spatial kernels of \(kernel.shape)")
    self.mode1 = mode1
    self.mode2 = mode2
    self.kernel = kernel
  }

  /// The number of terms, R.
  public var rank: Int { kernel.shape[0] }
  /// The shape of the kernel that the factors stand for.
  public var kernelShape: Shape {
    Shape([mode1.shape[0], mode2.shape[0]] + kernel.shape.extents.dropFirst())
  }
}
