public import Conv

/// How a network runs.
public struct NetworkOptions: Hashable, Sendable {
  /// The threads of a run.
  public var threads: Int
  /// Which Winograd forms convolutions may use; `off` for sums that are steady to the bit across sizes and machines.
  public var winograd: ConvolutionOptions.Winograd
  /// The instruction set; nil for the best that the processor has.
  public var variant: KernelVariant?
  /// The passes that are left out.
  public var disabledPasses: Set<NetworkPass>
  /// The most bytes that the arena of a run may take.
  public var memoryLimit: Int

  /// The defaults: one thread, everything switched on, 2 GiB.
  public init(
    threads: Int = 1, winograd: ConvolutionOptions.Winograd = .automatic, variant: KernelVariant? = nil,
    disabledPasses: Set<NetworkPass> = [], memoryLimit: Int = 2 << 30
  ) {
    self.threads = threads
    self.winograd = winograd
    self.variant = variant
    self.disabledPasses = disabledPasses
    self.memoryLimit = memoryLimit
  }

  /// The options of its convolutions.
  var convolution: ConvolutionOptions {
    ConvolutionOptions(
      winograd: winograd, weights: .cold, variant: variant, threads: threads)
  }
}

/// What makes a network faster without changing what it computes; each can be switched off.
public enum NetworkPass: String, Hashable, Sendable, CaseIterable {
  /// Constants are folded, and nodes that nobody uses are left out.
  case constants
  /// BatchNormalization is folded into the convolution in front of it.
  case batchNormalization = "batch-normalization"
  /// Several nodes that stand for one activation become that.
  case activationPatterns = "activation-patterns"
  /// Paddings, activations and additions are taken up by convolutions.
  case fusion
  /// Convolutions one behind the other run as one chain of bands.
  case chains
  /// Concatenations are written in place.
  case concatenation
  /// Values share memory by their lifetimes.
  case memorySharing = "memory-sharing"
}
