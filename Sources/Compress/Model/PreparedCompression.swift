public import ModelGraph

/// A compression within a budget whose layers have been looked at, by data and against the clock where that was asked for: one
/// look, and any number of budgets.
///
///     var compression = try PreparedCompression(model, request)
///     let curve = compression.candidates.tradeOff(points: 12)
///     let report = try compression.compress(&model)
public struct PreparedCompression {
  /// The forms that the layers may have with what each costs and loses.
  public private(set) var candidates: ModelCandidates
  private let request: CompressionRequest
  private var latency: LatencyCompression?
  private let moments: MomentsCalibration?
  private let calibration: Calibration?

  /// Looks at the layers of a model.
  ///
  /// **Throws** `TimingError`: `.compression` where options, samples or moments do not fit the model or there is no budget,
  /// the others where what is to be timed does not run.
  ///
  /// **Complexity** that of `ModelCandidates`, with samples of `Calibration`, with moments of `MomentsCalibration`, with a time of
  /// `LatencyCompression`.
  public init(
    _ model: ModelGraph, _ request: CompressionRequest,
    progress: @escaping @Sendable (Progress) -> Void = { _ in }
  ) throws(TimingError) {
    self.request = request
    var options = request.options
    if let (target, source) = request.latency {
      let latency = try LatencyCompression(model, options, target, source, progress: progress)
      options = latency.options
      self.latency = latency
    }
    do throws(CompressError) {
      moments = try request.moments.map { set throws(CompressError) in
        try MomentsCalibration(model, options, set, progress: progress)
      }
      if let samples = request.samples {
        if let moments {
          calibration = try moments.asymmetric(model, samples)
        } else {
          calibration = try Calibration(model, options, samples: samples, progress: progress)
        }
      } else {
        calibration = nil
      }
      options = moments?.options ?? calibration?.options ?? options
      candidates = try ModelCandidates(model, options, progress: progress)
    } catch { throw .compression(error) }
  }

  /// Brings the model to the budget; under one of time its prices are set right by timing what they lead to.
  ///
  /// **Throws** `TimingError.compression` where no choice of forms is as cheap as the budget, the others where a network does not
  /// run; the model is then as it was.
  public mutating func compress(
    _ model: inout ModelGraph, progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(TimingError) -> CompressionReport {
    try latency?.settle(&candidates)
    let usesData = moments != nil || calibration != nil
    if !usesData, let report = try latency?.compress(&model, &candidates, progress: progress) {
      return report
    }
    var compressed = model
    var report = try factored(&compressed, progress)
    try latency?.conclude(&report, compressed)
    model = compressed
    return report
  }

  /// Factors the layers by what is known of them.
  private func factored(
    _ model: inout ModelGraph, _ progress: @Sendable (Progress) -> Void
  ) throws(TimingError) -> CompressionReport {
    do throws(CompressError) {
      if let calibration {
        guard let likeness = request.minAgreement else {
          return try model.compress(candidates, calibration: calibration, progress: progress)
        }
        return try model.compress(candidates, calibration: calibration, keeping: likeness, progress: progress)
      }
      var report = try model.compress(candidates, progress: progress)
      report.calibration = moments?.report
      return report
    } catch { throw .compression(error) }
  }
}

extension ModelGraph {
  /// Brings the model in place to what a request asks for: with a budget as `PreparedCompression` does, without one as
  /// `compress(_:progress:)` does with its options.
  ///
  /// **Throws** as these do; samples and moments share out a budget, and without one they are an error.
  public mutating func compress(
    _ request: CompressionRequest, progress: @escaping @Sendable (Progress) -> Void = { _ in }
  ) throws(TimingError) -> CompressionReport {
    if request.hasBudget {
      var prepared = try PreparedCompression(self, request, progress: progress)
      return try prepared.compress(&self, progress: progress)
    }
    guard request.samples == nil, request.moments == nil else {
      throw .compression(
        .option(name: "calibrate", reason: "data share out a budget: give one of multiplies, weights or time")
      )
    }
    do throws(CompressError) { return try compress(request.options, progress: progress) } catch {
      throw .compression(error)
    }
  }
}
