public import ModelGraph

/// What a model is to be brought to, and by what: options, and with them data and times where they are given.
public struct CompressionRequest: Sendable {
  /// The forms, the budget, and the rest; a budget is replaced by `latency` where that is given.
  public var options: CompressionOptions
  /// How long a run may take, and where the milliseconds come from; nil where time is no budget.
  public var latency: (target: LatencyTarget, source: LatencySource)?
  /// Sums over inputs that other machines saw: forms and ranks go by them.
  public var moments: MomentsSet?
  /// How far answers on the samples have to stay like the original's (see `ModelGraph.compress(_:calibration:keeping:)`); nil
  /// for any. Nothing without samples.
  public var minAgreement: Double?
  /// Inputs that layers are fitted to; nil to go by the weights, or by the moments alone.
  public private(set) var samples: CalibrationSamples?

  /// Whether the layers share out what the whole model may cost.
  public var hasBudget: Bool { options.budget != nil || latency != nil }

  /// What the options say, by the weights alone.
  public init(_ options: CompressionOptions) { self.options = options }

  /// Has layers fitted to samples. Inputs that the model leaves open, and `options` too, have those samples' shapes from here
  /// on: what is timed is to be made of the options behind this.
  public mutating func calibrate(on samples: CalibrationSamples, of model: ModelGraph) {
    self.samples = samples
    let open = Set(model.inputs.filter(\.isOpen).map(\.name))
    let seen = samples.inputs[0].filter { open.contains($0.key) }.mapValues(\.shape.extents)
    options.inputShapes.merge(seen) { given, _ in given }
  }
}
