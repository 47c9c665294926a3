import ModelGraph
import Network

/// What looks at the layers of a network as samples pass through the original.
protocol LayerObserver: ~Copyable {
  /// Whether a sample goes on from a layer once more while it is looked at, so that it has to stay in front until then.
  func isProbed(_ sample: Int) -> Bool
  /// How the layer at a stop is to be read; nil where it is not looked at.
  mutating func begin(_ stop: CalibrationRoute.Stop) -> LayerReading?
  /// Takes what a sample gives the layer, and what that makes of it.
  mutating func add(
    _ sample: Int, input: NetworkTensor?, response: NetworkTensor?
  ) throws(CompressError)
  /// Looks at the layer, all samples having been added; `track` is in front of it as far as samples are probed.
  mutating func finish(
    _ stop: CalibrationRoute.Stop, dense: CalibrationPiece, _ track: CalibrationTrack
  ) throws(CompressError)
}

/// The pass over the original network, layer by layer with all samples.
struct OriginalPass {
  let model: ModelGraph
  let work: LayerWork
  let samples: CalibrationSamples
  let threads: Int
  let route: CalibrationRoute
  private var track: CalibrationTrack

  init(
    _ model: ModelGraph, _ work: LayerWork, _ samples: CalibrationSamples, threads: Int
  ) throws(CompressError) {
    (self.model, self.work, self.samples, self.threads) = (model, work, samples, threads)
    route = CalibrationRoute(model, work)
    track = try CalibrationTrack(
      samples, path: model.path, store: ValueStore(mostBytes: CalibrationTrack.mostBytes))
  }

  mutating func run(
    _ observer: inout some LayerObserver & ~Copyable, _ progress: @Sendable (Progress) -> Void
  ) throws(CompressError) {
    for (place, stop) in route.stops.enumerated() {
      try pass(stop, &observer)
      progress(Progress(done: place + 1, total: route.stops.count, layer: work.layers[stop.layer].name))
    }
  }

  private mutating func pass(
    _ stop: CalibrationRoute.Stop, _ observer: inout some LayerObserver & ~Copyable
  ) throws(CompressError) {
    let reading = observer.begin(stop)
    let (before, dense) = try model.pieces(of: stop, reading, threads: threads)
    for sample in samples.inputs.indices {
      _ = try track.advance(sample: sample, through: before, keeping: stop.neededBefore)
      let input = try reading.flatMap { reading throws(CompressError) in
        try track.value(reading.input, sample: sample)
      }
      let made =
        observer.isProbed(sample)
        ? try dense.run(track.inputs(of: dense, sample: sample))
        : try track.advance(sample: sample, through: dense, keeping: stop.neededAfter)
      if let reading { try observer.add(sample, input: input, response: made[reading.output]) }
    }
    try observer.finish(stop, dense: dense, track)
    for sample in samples.inputs.indices where observer.isProbed(sample) {
      _ = try track.advance(sample: sample, through: dense, keeping: stop.neededAfter)
    }
  }
}
