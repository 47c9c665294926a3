import Decompose

/// Which forms `compress` may choose among for a layer.
public enum CompressionMethod: String, Sendable, CaseIterable {
  /// Tucker-2 for kernels with spatial extents, two matrices for 1x1 convolutions and fully connected layers.
  case auto
  /// Tucker-2 only; other layers are kept.
  case tucker2
  /// Two matrices only; kernels with spatial extents are kept.
  case svd
  /// A D x 1 and a 1 x D convolution, in the cheaper order; kernels without two spatial axes are kept.
  case spatial
  /// A D x D convolution and a 1x1, in the cheaper order.
  case channel
}

/// How the ranks of a layer are chosen.
public enum RankCriterion: Hashable, Sendable, CustomStringConvertible {
  /// Each mode on its own retains this fraction of the energy, 0 to 1.
  case energy(Double)
  /// The cheapest ranks whose relative error is at most this.
  case error(Double)
  /// Each rank is this fraction of the full one, rounded up.
  case ranksRatio(Double)

  /// The criterion as on the command line.
  public var description: String {
    switch self {
    case .energy(let value): "energy \(value)"
    case .error(let value): "error \(value)"
    case .ranksRatio(let value): "ranks-ratio \(value)"
    }
  }
}

/// What `compress` does to a model.
public struct CompressionOptions: Sendable {
  /// The forms to choose among.
  public var method = CompressionMethod.auto
  /// How ranks are chosen.
  public var criterion = RankCriterion.error(0.3)
  /// Ranks are rounded up to a multiple of this, or to the full extent.
  public var rankMultiple = CompressionOptions.defaultRankMultiple
  /// Layers to factor; nil for all. A regular expression that has to match somewhere in the layer's name.
  public var layers: String?
  /// Layers to keep, whatever `layers` says.
  public var skip: String?
  /// Whether BatchNormalization straight behind a convolution is folded into it where that is factored.
  public var foldsBatchNormalization = true
  /// Layers factored at the same time, each with BLAS on one thread.
  public var threads = 1
  /// Shapes for inputs that the model leaves open, by name.
  public var inputShapes: [String: [Int]] = [:]

  /// The defaults.
  public init() {}

  /// The number of Float lanes of the vector registers that every machine of this architecture has, at least those of
  /// 256 bits on x86-64.
  public static var defaultRankMultiple: Int {
    #if arch(x86_64)
      8
    #else
      4
    #endif
  }
}
