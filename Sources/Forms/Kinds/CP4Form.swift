public import Tensors

extension FormKind {
  /// As `cp3` with each D x D kernel of rank one: a 1x1, a depthwise D x 1, a depthwise 1 x D and a 1x1.
  public static let cp4 = FormKind(
    "cp4", aliases: ["cp-4"],
    ranks: [Rank("rank", cutting: Spectrum("cp4", title: "cp4 as tried"))], domain: .axes(exactly: 2),
    isSearched: true, parts: ["mode1", "mode2", "vertical", "horizontal"],
    stages: [
      FormStage("mode2", from: .inputs, to: .rank(0), axes: .none, layout: .transposed),
      FormStage("vertical", from: .rank(0), to: .rank(0), axes: .axis(0), layout: .depthwise),
      FormStage("horizontal", from: .rank(0), to: .rank(0), axes: .axis(1), layout: .depthwise),
      FormStage("mode1", from: .rank(0), to: .outputs, axes: .none, layout: .matrix),
    ],
    fullRanks: { [componentsWorth($0, modes: $0.extents, weightsOfOne: $0.extents.reduce(0, +))] })
}

extension FactoredForm {
  /// As `cp3` with each D x D kernel of rank one: a 1x1, a depthwise D x 1, a depthwise 1 x D and a 1x1.
  public static func cp4(rank: Int) -> FactoredForm { FactoredForm(.cp4, ranks: [rank]) }
}

/// A kernel with two spatial axes as a sum of terms of rank one in all four modes.
///
///     K[t, s, i, j] ~ sum over r of  mode1[t, r] mode2[s, r] vertical[r, i] horizontal[r, j]
///
/// **Shapes** `mode1` [T, R], `mode2` [S, R], `vertical` [R, D1], `horizontal` [R, D2].
///
/// **Source** Lebedev et al. arXiv 1412.6553, section 3.
public struct CP4Factors<Element: Scalar>: Sendable {
  /// The factor matrix of the output channels, `[T, R]`.
  public let mode1: Tensor<Element>
  /// The factor matrix of the input channels, `[S, R]`.
  public let mode2: Tensor<Element>
  /// The vertical kernel of each term, `[R, D1]`.
  public let vertical: Tensor<Element>
  /// The horizontal kernel of each term, `[R, D2]`.
  public let horizontal: Tensor<Element>

  /// Puts factors together.
  ///
  /// **Traps** where their ranks differ.
  public init(
    mode1: Tensor<Element>, mode2: Tensor<Element>, vertical: Tensor<Element>, horizontal: Tensor<Element>
  ) {
    precondition(
      [mode1, mode2, vertical, horizontal].allSatisfy { $0.shape.order == 2 }
        && mode1.shape[1] == vertical.shape[0] && mode2.shape[1] == vertical.shape[0]
        && horizontal.shape[0] == vertical.shape[0],
      "factor matrices of \(mode1.shape) and \(mode2.shape) with kernels of \(vertical.shape) and "
        + "\(horizontal.shape)")
    self.mode1 = mode1
    self.mode2 = mode2
    self.vertical = vertical
    self.horizontal = horizontal
  }

  /// The number of terms, R.
  public var rank: Int { vertical.shape[0] }
  /// The shape of the kernel that the factors stand for.
  public var kernelShape: Shape {
    [mode1.shape[0], mode2.shape[0], vertical.shape[1], horizontal.shape[1]]
  }
}

extension FactoredKernel {
  /// A kernel in CP form over all modes.
  public static func cp4(_ factors: CP4Factors<Element>) -> FactoredKernel {
    FactoredKernel(
      form: .cp4(rank: factors.rank), kernelShape: factors.kernelShape,
      parts: [factors.mode1, factors.mode2, factors.vertical, factors.horizontal])
  }
}

extension CP4Factors {
  /// The factors by name; nil for a kernel in another form.
  public init?(_ kernel: FactoredKernel<Element>) {
    guard kernel.form.kind == .cp4 else { return nil }
    let parts = kernel.parts
    self.init(mode1: parts[0], mode2: parts[1], vertical: parts[2], horizontal: parts[3])
  }
}
