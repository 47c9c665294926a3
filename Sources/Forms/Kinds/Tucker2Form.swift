public import Tensors

extension FormKind {
  /// `K ~ core x1 mode1 x2 mode2`: a 1x1, a D x D core and a 1x1.
  public static let tucker2 = FormKind(
    "tucker2", aliases: ["tucker-2"],
    ranks: [
      Rank("output rank", cutting: .outputChannels), Rank("input rank", cutting: .inputChannels),
    ],
    domain: .axes(from: 0), parts: ["core", "mode1", "mode2"],
    stages: [
      FormStage("mode2", from: .inputs, to: .rank(1), axes: .none, layout: .transposed),
      FormStage("core", from: .rank(1), to: .rank(0), axes: .all, layout: .weights),
      FormStage("mode1", from: .rank(0), to: .outputs, axes: .none, layout: .matrix),
    ],
    fullRanks: { [$0[0], $0[1]] })
}

extension FactoredForm {
  /// `K ~ core x1 mode1 x2 mode2`: a 1x1, a D x D core and a 1x1.
  public static func tucker2(outputRank: Int, inputRank: Int) -> FactoredForm {
    FactoredForm(.tucker2, ranks: [outputRank, inputRank])
  }
}

/// A kernel in Tucker-2 form: a small core between two channel matrices.
///
///     K[t, s, ...] ~ sum over a, b of  core[a, b, ...] mode1[t, a] mode2[s, b]
///
/// **Shapes** `core` [R1, R2, D...], `mode1` [T, R1], `mode2` [S, R2].
///
/// **Source** Tucker 1966; Kim et al. arXiv 1511.06530, section 3.
public struct Tucker2Factors<Element: Scalar>: Sendable {
  /// The core tensor, `[R1, R2, D...]`.
  public let core: Tensor<Element>
  /// The factor matrix of the output channels, `[T, R1]`.
  public let mode1: Tensor<Element>
  /// The factor matrix of the input channels, `[S, R2]`.
  public let mode2: Tensor<Element>

  /// Puts factors together.
  ///
  /// **Traps** where the ranks of the core and of the factor matrices differ.
  public init(core: Tensor<Element>, mode1: Tensor<Element>, mode2: Tensor<Element>) {
    precondition(
      core.shape.order >= 2 && mode1.shape.order == 2 && mode2.shape.order == 2
        && mode1.shape[1] == core.shape[0] && mode2.shape[1] == core.shape[1],
      "a core of \(core.shape) between factor matrices of \(mode1.shape) and \(mode2.shape)")
    self.core = core
    self.mode1 = mode1
    self.mode2 = mode2
  }

  /// The rank on mode 1, R1.
  public var outputRank: Int { core.shape[0] }
  /// The rank on mode 2, R2.
  public var inputRank: Int { core.shape[1] }
  /// The shape of the kernel that the factors stand for.
  public var kernelShape: Shape { Shape([mode1.shape[0], mode2.shape[0]] + core.shape.extents.dropFirst(2)) }
}

extension FactoredKernel {
  /// A kernel in Tucker-2 form.
  public static func tucker2(_ factors: Tucker2Factors<Element>) -> FactoredKernel {
    FactoredKernel(
      form: .tucker2(outputRank: factors.outputRank, inputRank: factors.inputRank),
      kernelShape: factors.kernelShape, parts: [factors.core, factors.mode1, factors.mode2])
  }
}

extension Tucker2Factors {
  /// The factors by name; nil for a kernel in another form.
  public init?(_ kernel: FactoredKernel<Element>) {
    guard kernel.form.kind == .tucker2 else { return nil }
    self.init(core: kernel.parts[0], mode1: kernel.parts[1], mode2: kernel.parts[2])
  }
}
