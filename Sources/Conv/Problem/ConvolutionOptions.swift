/// How a plan runs its convolution.
public struct ConvolutionOptions: Hashable, Sendable {
  /// Which code runs the stages.
  public enum Backend: Hashable, Sendable {
    /// The kernels of this package where they apply (Float), else CBLAS.
    case automatic
    /// Stage after stage by im2col and CBLAS.
    case blas
  }

  /// Which algorithms a stage of stride 1 may use whose kernel is 3 or 5 long along one axis or both, or 2 x 2.
  public enum Winograd: Hashable, Sendable {
    /// Whatever the cost model takes for the fastest.
    case automatic
    /// Only the definition's own multiplies, with the smallest error.
    case off
    /// Tiles of this side wherever there is such a form: F(2x2, 3x3), F(4x4, 3x3), F(5x5, 3x3), F(2x2, 5x5), F(5x5, 2x2),
    /// and along one axis F(4, 3), F(6, 3), F(4, 5).
    case tile(Int)

    /// F(2x2, 3x3) or F(2x2, 5x5), the forms with the smallest error, wherever they apply.
    public static let two = Winograd.tile(2)
    /// F(4x4, 3x3) wherever it applies.
    public static let four = Winograd.tile(4)
  }

  /// Where a run finds its weights.
  public enum WeightState: Hashable, Sendable {
    /// In the caches, as far as they fit: the plan runs again and again by itself.
    case warm
    /// In memory: between two runs come other layers, as in a network. Choices that read fewer weights pay then, and runs
    /// transform the Winograd weights of large layers, which would be 2 to 5 times as many, instead of keeping them.
    case cold
  }

  /// How a plan makes its choices.
  public enum Tuning: Hashable, Sendable {
    /// By a model of the caches and the vectors.
    case model
    /// By timing what the model holds good, once for each machine and layer.
    case measured(TuningCache)
  }

  /// Which code runs the stages.
  public var backend: Backend
  /// Which Winograd forms are allowed.
  public var winograd: Winograd
  /// Where a run finds its weights.
  public var weights: WeightState
  /// The instruction set; nil for the best that the processor has.
  public var variant: KernelVariant?
  /// How the plan makes its choices.
  public var tuning: Tuning
  /// The output rows computed together; nil for what the cost model chooses.
  public var band: Int?
  /// The number of threads that share an image among them, at most 64, whatever runs the stages; see
  /// `ConvolutionPlan.threadCount` for how many find something to do.
  public var threads: Int

  /// The defaults: everything chosen by the plan, one thread.
  public init(
    backend: Backend = .automatic, winograd: Winograd = .automatic,
    weights: WeightState = .warm, variant: KernelVariant? = nil,
    tuning: Tuning = .model, band: Int? = nil, threads: Int = 1
  ) {
    self.backend = backend
    self.winograd = winograd
    self.weights = weights
    self.variant = variant
    self.tuning = tuning
    self.band = band
    self.threads = threads
  }
}
