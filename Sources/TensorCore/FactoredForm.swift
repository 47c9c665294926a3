/// A low-rank form of a convolution or fully connected layer with its ranks, before anything is factored.
///
/// The stages that a form is run as depend only on the kernel's shape and the ranks, so costs are known before the
/// decomposition. See the table of forms in the README.
public enum FactoredForm: Hashable, Sendable {
  /// The layer as it is: one D x D convolution.
  case dense
  /// `K ~ core x1 mode1 x2 mode2`: a 1x1, a D x D core and a 1x1.
  case tucker2(outputRank: Int, inputRank: Int)
  /// `K ~ left right`, for 1x1 convolutions and fully connected layers: two matrices.
  case svd(rank: Int)

  /// The word for the form without its ranks, as on the command line.
  public var method: String {
    switch self {
    case .dense: "dense"
    case .tucker2: "tucker2"
    case .svd: "svd"
    }
  }

  /// The ranks in mode order (output channels first); empty for the dense form.
  public var ranks: [Int] {
    switch self {
    case .dense: []
    case .tucker2(let outputRank, let inputRank): [outputRank, inputRank]
    case .svd(let rank): [rank]
    }
  }

  /// The stages of a layer with kernel `[T, S / groups, D...]`, in the order they run.
  ///
  /// With more than one group the ranks hold for each group.
  ///
  /// **Traps** where the kernel has fewer than two axes or, for `svd`, a kernel extent other than 1.
  public func stages(kernel shape: Shape, groups: Int = 1) -> [StageShape] {
    precondition(shape.order >= 2, "a kernel of \(shape) has no input and output channels")
    let spatial = Array(shape.extents.dropFirst(2))
    let ones = spatial.map { _ in 1 }
    let all = spatial.map { _ in true }
    let none = spatial.map { _ in false }
    let (outputs, inputs) = (shape[0], shape[1] * groups)
    switch self {
    case .dense:
      return [
        StageShape(
          name: "dense", outputs: outputs, inputs: inputs, groups: groups, kernel: spatial, carriesAxis: all)
      ]
    case .tucker2(let outputRank, let inputRank):
      let (r1, r2) = (outputRank * groups, inputRank * groups)
      return [
        StageShape(
          name: "mode2", outputs: r2, inputs: inputs, groups: groups, kernel: ones, carriesAxis: none),
        StageShape(name: "core", outputs: r1, inputs: r2, groups: groups, kernel: spatial, carriesAxis: all),
        StageShape(
          name: "mode1", outputs: outputs, inputs: r1, groups: groups, kernel: ones, carriesAxis: none),
      ]
    case .svd(let rank):
      precondition(spatial.allSatisfy { $0 == 1 }, "the svd form is for 1x1 kernels, not \(shape)")
      // A stride on a 1x1 convolution drops positions, so the stage that drops them comes first.
      return [
        StageShape(
          name: "right", outputs: rank * groups, inputs: inputs, groups: groups, kernel: ones,
          carriesAxis: all),
        StageShape(
          name: "left", outputs: outputs, inputs: rank * groups, groups: groups, kernel: ones,
          carriesAxis: none),
      ]
    }
  }

  /// The number of weights of all stages, bias apart.
  public func weightCount(kernel shape: Shape, groups: Int = 1) -> Int {
    stages(kernel: shape, groups: groups).reduce(0) { $0 + $1.weightCount }
  }
}

extension FactoredForm: CustomStringConvertible, LosslessStringConvertible {
  /// The form as it is written on the command line: `dense`, `tucker2:R1,R2`, `svd:R`.
  public var description: String {
    ranks.isEmpty ? method : "\(method):\(ranks.map(String.init).joined(separator: ","))"
  }

  /// Reads a form as `description` writes it; nil where the word or the number of ranks is wrong, or a rank is
  /// not positive.
  public init?(_ description: String) {
    let parts = description.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let ranks =
      parts.count < 2
      ? [] : parts[1].split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard ranks.allSatisfy({ $0 > 0 }) else { return nil }
    switch (parts[0], ranks.count, parts.count) {
    case ("dense", 0, 1): self = .dense
    case ("tucker2", 2, _): self = .tucker2(outputRank: ranks[0], inputRank: ranks[1])
    case ("svd", 1, _): self = .svd(rank: ranks[0])
    default: return nil
    }
  }
}
