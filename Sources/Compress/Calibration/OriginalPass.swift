import ModelGraph
import Network
import Tensors

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
    try LargeBlocks.keeping(CalibrationTrack.keptBytes) { () throws(CompressError) in
      let total = route.stops.count
      progress(.beginning(.looking, of: total))
      for (place, stop) in route.stops.enumerated() {
        try pass(stop, &observer)
        let name = work.layers[stop.layer].name
        progress(Progress(done: place + 1, total: total, layer: name, task: .looking))
      }
    }
  }

  private mutating func pass(
    _ stop: CalibrationRoute.Stop, _ observer: inout some LayerObserver & ~Copyable
  ) throws(CompressError) {
    let reading = observer.begin(stop)
    let (before, dense) = try model.pieces(of: stop, reading, threads: threads)
    for wave in CalibrationSamples.waves(of: samples.inputs.count, threads: threads) {
      _ = try track.advance(wave, through: before, keeping: stop.neededBefore)
      let given = try wave.map { sample throws(CompressError) in
        try reading.flatMap { reading throws(CompressError) in
          try track.value(reading.input, sample: sample)
        }
      }
      let made = try dense.run(track.inputs(of: dense, samples: wave))
      for (place, sample) in wave.enumerated() {
        if !observer.isProbed(sample) { try track.keep(made[place], of: sample, stop.neededAfter) }
        guard let reading else { continue }
        try observer.add(sample, input: given[place], response: made[place][reading.output])
      }
    }
    try observer.finish(stop, dense: dense, track)
    let probed = samples.inputs.indices.filter { observer.isProbed($0) }
    _ = try track.advance(probed, through: dense, keeping: stop.neededAfter)
  }
}
