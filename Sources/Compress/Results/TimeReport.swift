extension CompressionReport {
  /// What a run of the whole network takes in milliseconds, before and after; under a budget of time also what was predicted.
  public struct Time: Codable, Sendable {
    /// Whose milliseconds they are: `lowrank`, `onnxruntime`, or the name of a profile.
    public var runtime: String
    /// The threads of a run.
    public var threads: Int
    /// A run of the network before, the least of many.
    public var denseMs: Double
    /// What the candidates that were chosen are priced at, all else as it was; missing where the budget counted something
    /// else.
    public var predictedMs: Double?
    /// A run of the network as written, the least of many that took turns with the one before; missing where this machine
    /// is not the one that the prices are of.
    public var measuredMs: Double?
    /// How often the prices were corrected by a measurement and the budget shared out anew.
    public var rounds: Int
    /// Whether the network has become faster, by `leastGain` or more: fewer multiplies alone do not tell.
    public private(set) var isFaster = false

    /// The part of a run by which a network has to become faster: less is not worth any error, nor told from none by the
    /// clock.
    public static let leastGain = 0.02

    /// Puts the figures together.
    public init(
      runtime: String, threads: Int, denseMs: Double, predictedMs: Double?, measuredMs: Double?, rounds: Int
    ) {
      (self.runtime, self.threads, self.denseMs) = (runtime, threads, denseMs)
      (self.predictedMs, self.measuredMs, self.rounds) = (predictedMs, measuredMs, rounds)
      isFaster = fraction <= 1 - Self.leastGain
    }

    /// The part of the time before that is left, as measured where it was, else as predicted.
    public var fraction: Double {
      guard denseMs > 0, let after = measuredMs ?? predictedMs else { return 1 }
      return after / denseMs
    }
  }
}
