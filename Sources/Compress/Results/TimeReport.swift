extension CompressionReport {
  /// What a budget of time came to: the milliseconds of the whole network, predicted and measured.
  public struct Time: Codable, Sendable {
    /// Whose milliseconds they are: `lowrank`, `onnxruntime`, or the name of a profile.
    public var runtime: String
    /// The threads of a run.
    public var threads: Int
    /// A run of the network before, the least of many.
    public var denseMs: Double
    /// What the candidates that were chosen are priced at, all else as it was.
    public var predictedMs: Double
    /// A run of the network as written, the least of many that took turns with the one before; missing where this machine
    /// is not the one that the prices are of.
    public var measuredMs: Double?
    /// How often the prices were corrected by a measurement and the budget shared out anew.
    public var rounds: Int

    /// Puts the figures together.
    public init(
      runtime: String, threads: Int, denseMs: Double, predictedMs: Double, measuredMs: Double?, rounds: Int
    ) {
      (self.runtime, self.threads, self.denseMs) = (runtime, threads, denseMs)
      (self.predictedMs, self.measuredMs, self.rounds) = (predictedMs, measuredMs, rounds)
    }

    /// The part of the time before that is left, as measured where it was, else as predicted.
    public var fraction: Double { denseMs > 0 ? (measuredMs ?? predictedMs) / denseMs : 1 }
  }
}
