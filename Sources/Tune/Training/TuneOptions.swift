/// How a network is tuned.
public struct TuneOptions: Sendable {
  /// How long.
  public enum Length: Sendable, Equatable {
    /// About so many minutes: the steps that fit are worked out from the first ones.
    case minutes(Double)
    /// So many times over all images.
    case epochs(Int)
  }

  /// How long.
  public var length = Length.minutes(5)
  /// Images a step; nil for 8 of those whose maps are matched, which say something at every position, and 32 of others.
  public var batch: Int?
  /// Batches whose gradients are added up for a step.
  public var accumulation = 1
  /// What random choices come from.
  public var seed: UInt64 = 0
  /// How weights follow their gradients.
  public var optimiser = Optimiser.adam
  /// The largest learning rate; nil for 0.001 with Adam and 0.01 with SGD. After blocks, or where it is nil, the whole network
  /// goes by 0.3 of it; where it is nil and a few steps at that leave the images held back worse, by less, down to a hundredth.
  public var rate: Double?
  /// What each step takes off kernels and matrices, times the learning rate.
  public var decay = 0.0
  /// The temperature of divergences.
  public var temperature = 4.0
  /// The part of the images that is held back to judge by.
  public var heldBack = 0.1
  /// The part of the steps that go block by block.
  public var blockShare = 0.3
  /// What hints weigh beside the outputs while the whole network learns: what layers that were factored make, behind normalization
  /// and activation. They help where images are many and the way is long.
  public var hintWeight = 0.0
  /// The evaluations without a better one after which it ends, of the dozen or so at learning rates of a quarter of the largest
  /// and less: before, none ends it.
  public var patience = 8
  /// The threads that share a step.
  public var threads = 1
  /// The most bytes that the maps of a step and their gradients take.
  public var memoryLimit = 4 << 30
  /// Where the state is kept, so that a run that was stopped goes on.
  public var checkpoint: String?

  /// The processes that this one tunes together with; nil for it alone.
  public var group: (any TuningGroup)?

  /// The defaults.
  public init() {}

  var peakRate: Double { rate ?? (optimiser == .adam ? 1e-3 : 1e-2) }
}
