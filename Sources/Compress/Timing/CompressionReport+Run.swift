public import ModelGraph

extension CompressionReport {
  /// Times a compressed network beside the one as it was, where the budget counted something else than milliseconds: fewer
  /// multiplies are not always fewer of them. Sets `time`, or in `notTimed` why there is none.
  ///
  /// Nothing is timed where every layer was kept, nor where time was looked at already.
  ///
  /// **Complexity** two runs of each network or a tenth of a second, whichever is more; twice that where the one is not
  /// seen to be faster within a second, as something else may have been running. Networks of so many multiplies that this
  /// could take as long as the compression did, whose `seconds` are given, are not timed. Both are in memory with their
  /// weights packed.
  public mutating func timeRun(
    of compressed: ModelGraph, beside original: ModelGraph, with timer: any NetworkTimer,
    after seconds: Double
  ) {
    guard time == nil, layers.contains(where: \.isFactored) else { return }
    if let obstacle = obstacle(toTiming: original, after: seconds) {
      notTimed = obstacle
      return
    }
    do throws(TimingError) {
      let networks = [try timer.prepare(original), try timer.prepare(compressed)]
      var times = try timer.times(of: networks, .glance)
      if times[1].whole > (1 - Time.leastGain) * times[0].whole, times[1].whole < 1000 {
        times = zip(times, try timer.times(of: networks, .glance)).map { $0.least($1) }
      }
      time = Time(
        runtime: timer.runtime, threads: timer.threads, denseMs: times[0].whole, predictedMs: nil,
        measuredMs: times[1].whole, rounds: 0)
    } catch { notTimed = error.description }
  }

  /// Why a run could take minutes or more memory than the compression did, which nobody asked for; nil where it does not.
  private func obstacle(toTiming original: ModelGraph, after seconds: Double) -> String? {
    if layers.contains(where: { $0.macsBefore == nil }) {
      return "the shapes of some layers are unknown: give \(ValueInfo.shapeOption(original.inputs))"
    }
    if original.main.nodes.contains(where: { $0.opType == "Loop" || $0.opType == "Scan" }) {
      return "it has a loop, which may take any time"
    }
    let multiplies = max(Self.multipliesAtOnce, seconds * Self.multipliesASecond)
    if Double(model.macsBefore) > multiplies || model.paramsBefore > Self.mostWeights
      || layers.contains(where: { $0.outputs > Self.mostOutputs })
    {
      return "it is large; lowrank bench model times it"
    }
    return nil
  }

  /// A second of one core, as a rule.
  private static let multipliesAtOnce = 4e10
  /// What is timed for each second that the compression took: four runs then take half of that.
  private static let multipliesASecond = 4e9
  /// A gibibyte of them, and as much again packed.
  private static let mostWeights = 1 << 28
  /// Numbers that one layer makes: half a gibibyte of them.
  private static let mostOutputs = Double(1 << 27)
}

extension CompressionReport.Layer {
  /// The numbers that the layer makes, of its multiplies: `macs T / weights`.
  fileprivate var outputs: Double {
    Double(macsBefore ?? 0) * Double(kernelShape.first ?? 0) / Double(max(1, paramsBefore))
  }
}
