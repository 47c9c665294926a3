public import ModelGraph

extension CompressionReport {
  /// Times a compressed network beside the one as it was, where the budget counted something else than milliseconds: fewer
  /// multiplies are not always fewer of them. Sets `time`, or in `notTimed` why there is none.
  ///
  /// Nothing is timed where every layer was kept, nor where time was looked at already.
  ///
  /// **Complexity** three runs of each network or a tenth of a second, whichever is more; twice that where the one is not
  /// seen to be faster, as something else may have been running. Both networks are in memory with their weights packed.
  public mutating func timeRun(
    of compressed: ModelGraph, beside original: ModelGraph, with timer: any NetworkTimer
  ) {
    guard time == nil, layers.contains(where: \.isFactored) else { return }
    if let obstacle = obstacle(toTiming: original) {
      notTimed = obstacle
      return
    }
    do throws(TimingError) {
      let networks = [try timer.prepare(original), try timer.prepare(compressed)]
      var times = try timer.times(of: networks, .glance)
      if times[1].whole > (1 - Time.leastGain) * times[0].whole {
        times = zip(times, try timer.times(of: networks, .glance)).map { $0.least($1) }
      }
      time = Time(
        runtime: timer.runtime, threads: timer.threads, denseMs: times[0].whole, predictedMs: nil,
        measuredMs: times[1].whole, rounds: 0)
    } catch { notTimed = error.description }
  }

  /// Why a run could take minutes or more memory than the compression did, which nobody asked for; nil where it does not.
  private func obstacle(toTiming original: ModelGraph) -> String? {
    if layers.contains(where: { $0.macsBefore == nil }) {
      return "the shapes of some layers are unknown: give --input-shape NAME=..."
    }
    if original.main.nodes.contains(where: { $0.opType == "Loop" || $0.opType == "Scan" }) {
      return "it has a loop, which may take any time"
    }
    if model.macsBefore > Self.mostMultiplies || model.paramsBefore > Self.mostWeights {
      return "it is large; lowrank bench model times it"
    }
    return nil
  }

  /// Some four seconds of one core.
  private static let mostMultiplies = 1 << 38
  /// A gibibyte of them, and as much again packed.
  private static let mostWeights = 1 << 28
}
