public import Tensors

/// A low-rank form of a convolution or fully connected layer with its ranks, before anything is factored.
///
/// The stages that a form is run as depend only on the kernel's shape and the ranks, so costs are known before the
/// decomposition. See the table of forms in the README.
public enum FactoredForm: Hashable, Sendable {
  /// The layer as it is: one D x D convolution.
  case dense
  /// `K ~ core x1 mode1 x2 mode2`: a 1x1, a D x D core and a 1x1.
  case tucker2(outputRank: Int, inputRank: Int)
  /// `K ~ sum over r of mode1[:, r] o mode2[:, r] o kernel[r]`: a 1x1, a depthwise D x D and a 1x1.
  case cp3(rank: Int)
  /// As `cp3` with each D x D kernel of rank one: a 1x1, a depthwise D x 1, a depthwise 1 x D and a 1x1.
  case cp4(rank: Int)
  /// A D x 1 convolution and a 1 x D one; `mirrored` runs along the last axis first.
  case spatial(rank: Int, mirrored: Bool = false)
  /// A D x D convolution to R channels and a 1x1; `mirrored` begins with the 1x1.
  case channel(rank: Int, mirrored: Bool = false)
  /// `K ~ left right`, for 1x1 convolutions and fully connected layers: two matrices.
  case svd(rank: Int)

  /// The word for the form without its ranks, as on the command line.
  public var method: String {
    switch self {
    case .dense: "dense"
    case .tucker2: "tucker2"
    case .cp3: "cp3"
    case .cp4: "cp4"
    case .spatial(_, let mirrored): mirrored ? "spatial-mirrored" : "spatial"
    case .channel(_, let mirrored): mirrored ? "channel-mirrored" : "channel"
    case .svd: "svd"
    }
  }

  /// The ranks in mode order (output channels first); empty for the dense form.
  public var ranks: [Int] {
    switch self {
    case .dense: []
    case .tucker2(let outputRank, let inputRank): [outputRank, inputRank]
    case .cp3(let rank), .cp4(let rank), .spatial(let rank, _), .channel(let rank, _), .svd(let rank): [rank]
    }
  }

  /// Whether a kernel of this shape has the form at all: `svd` is for kernel extents of 1, `cp4` and `spatial` for
  /// two spatial axes, `cp3` for one or more.
  public func fits(kernel shape: Shape) -> Bool {
    let spatial = shape.extents.dropFirst(2)
    return switch self {
    case .dense, .tucker2, .channel: shape.order >= 2
    case .cp3: shape.order >= 3
    case .cp4, .spatial: shape.order == 4
    case .svd: shape.order >= 2 && spatial.allSatisfy { $0 == 1 }
    }
  }

  /// The stages of a layer with kernel `[T, S / groups, D...]`, in the order they run.
  ///
  /// With more than one group the ranks hold for each group.
  ///
  /// **Traps** where `fits(kernel:)` is false.
  public func stages(kernel shape: Shape, groups: Int = 1) -> [StageShape] {
    precondition(fits(kernel: shape), "a kernel of \(shape) has no \(method) form")
    let extents = Array(shape.extents.dropFirst(2))
    let layer = StageBuilder(groups: groups, extents: extents)
    let all = Set(extents.indices)
    let (outputs, inputs) = (shape[0], shape[1] * groups)
    switch self {
    case .dense:
      return [layer.stage("dense", inputs, outputs, axes: all)]
    case .tucker2(let outputRank, let inputRank):
      let (r1, r2) = (outputRank * groups, inputRank * groups)
      return [
        layer.stage("mode2", inputs, r2), layer.stage("core", r2, r1, axes: all),
        layer.stage("mode1", r1, outputs),
      ]
    case .cp3(let rank):
      let r = rank * groups
      return [
        layer.stage("mode2", inputs, r), layer.stage("kernel", r, r, axes: all, depthwise: true),
        layer.stage("mode1", r, outputs),
      ]
    case .cp4(let rank):
      let r = rank * groups
      return [
        layer.stage("mode2", inputs, r), layer.stage("vertical", r, r, axes: [0], depthwise: true),
        layer.stage("horizontal", r, r, axes: [1], depthwise: true), layer.stage("mode1", r, outputs),
      ]
    case .spatial(let rank, let mirrored):
      let r = rank * groups
      return [
        layer.stage("first", inputs, r, axes: [mirrored ? 1 : 0]),
        layer.stage("second", r, outputs, axes: [mirrored ? 0 : 1]),
      ]
    case .channel(let rank, let mirrored):
      let r = rank * groups
      return [
        layer.stage("first", inputs, r, axes: mirrored ? [] : all),
        layer.stage("second", r, outputs, axes: mirrored ? all : []),
      ]
    case .svd(let rank):
      // A stride on a 1x1 convolution drops positions, so the stage that drops them comes first.
      return [
        layer.stage("right", inputs, rank * groups, axes: all), layer.stage("left", rank * groups, outputs),
      ]
    }
  }

  /// The number of weights of all stages, bias apart.
  public func weightCount(kernel shape: Shape, groups: Int = 1) -> Int {
    stages(kernel: shape, groups: groups).reduce(0) { $0 + $1.weightCount }
  }
}

extension FactoredForm: CustomStringConvertible, LosslessStringConvertible {
  /// The form as it is written on the command line: `dense`, `tucker2:R1,R2`, `cp3:R`, ...
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
    case ("cp3", 1, _): self = .cp3(rank: ranks[0])
    case ("cp4", 1, _): self = .cp4(rank: ranks[0])
    case ("spatial", 1, _): self = .spatial(rank: ranks[0])
    case ("spatial-mirrored", 1, _): self = .spatial(rank: ranks[0], mirrored: true)
    case ("channel", 1, _): self = .channel(rank: ranks[0])
    case ("channel-mirrored", 1, _): self = .channel(rank: ranks[0], mirrored: true)
    case ("svd", 1, _): self = .svd(rank: ranks[0])
    default: return nil
    }
  }
}

/// Makes the stages of one layer: the axes that a stage convolves along are those that it carries.
private struct StageBuilder {
  let groups: Int
  let extents: [Int]

  func stage(
    _ name: String, _ inputs: Int, _ outputs: Int, axes: Set<Int> = [], depthwise: Bool = false
  ) -> StageShape {
    StageShape(
      name: name, outputs: outputs, inputs: inputs, groups: depthwise ? inputs : groups,
      kernel: extents.indices.map { axes.contains($0) ? extents[$0] : 1 },
      carriesAxis: extents.indices.map(axes.contains))
  }
}
