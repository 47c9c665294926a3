public import Tensors

extension FormKind {
  /// `K ~ sum over r of mode1[:, r] o mode2[:, r] o kernel[r]`: a 1x1, a depthwise D x D and a 1x1.
  public static let cp3 = FormKind(
    "cp3", aliases: ["cp-3"],
    ranks: [Rank("rank", cutting: Spectrum("cp3", title: "cp3 as tried"))], domain: .axes(from: 1),
    isSearched: true, parts: ["mode1", "mode2", "kernel"],
    stages: [
      FormStage("mode2", from: .inputs, to: .rank(0), axes: .none, layout: .transposed),
      FormStage("kernel", from: .rank(0), to: .rank(0), axes: .all, layout: .depthwise),
      FormStage("mode1", from: .rank(0), to: .outputs, axes: .none, layout: .matrix),
    ],
    fullRanks: { shape in
      let taps = shape.extents.dropFirst(2).reduce(1, *)
      return [
        componentsWorth(shape, modes: [shape[0], shape[1], taps], weightsOfOne: shape[0] + shape[1] + taps)
      ]
    })

  /// The number of components at which a CP form is exact, the product of all modes but the largest, or at which it has as
  /// many weights as the dense kernel, if that is less.
  static func componentsWorth(_ shape: Shape, modes: [Int], weightsOfOne: Int) -> Int {
    min(shape.count / max(1, modes.max() ?? 1), max(1, shape.count / max(1, weightsOfOne)))
  }
}

extension FactoredForm {
  /// `K ~ sum over r of mode1[:, r] o mode2[:, r] o kernel[r]`: a 1x1, a depthwise D x D and a 1x1.
  public static func cp3(rank: Int) -> FactoredForm { FactoredForm(.cp3, ranks: [rank]) }
}

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

extension FactoredKernel {
  /// A kernel in CP form over its channel modes.
  public static func cp3(_ factors: CP3Factors<Element>) -> FactoredKernel {
    FactoredKernel(
      form: .cp3(rank: factors.rank), kernelShape: factors.kernelShape,
      parts: [factors.mode1, factors.mode2, factors.kernel])
  }
}

extension CP3Factors {
  /// The factors by name; nil for a kernel in another form.
  public init?(_ kernel: FactoredKernel<Element>) {
    guard kernel.form.kind == .cp3 else { return nil }
    self.init(mode1: kernel.parts[0], mode2: kernel.parts[1], kernel: kernel.parts[2])
  }
}
