public import ModelGraph
import ONNX
public import TensorFiles
import Tensors

extension ModelGraph {
  /// Gathers the moments of every layer's inputs over some samples and writes them to a file that adds up with those of other
  /// samples: see `MomentsSet`.
  ///
  /// The moments are of the original network's inputs. `samples` are a run of a whole set or all of it; `sampling` says in
  /// words how they were made, and is the same in files that are to add up.
  ///
  /// **Returns** the layers that were seen, and the positions looked at.
  ///
  /// **Throws** `CompressError` for samples that do not fit the network, networks that do not run here, more than 65536
  /// samples; files that cannot be written.
  ///
  /// **Complexity** that of the first pass of `Calibration` without the fits, and for each sample and layer two passes over
  /// n² / 2 sums; in memory four times a layer's n² / 2 Doubles, and the matrices of one sample. The file has as much of each
  /// layer, and waits in the system's folder for temporary files until all of it is there.
  public func writeMoments(
    of samples: CalibrationSamples, sampling: String, _ options: CompressionOptions, to path: String,
    in files: inout FileTransaction, progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) -> (layers: Int, positions: Int) {
    guard samples.step == 1, samples.total <= BinnedSums.mostTerms else {
      throw .option(
        name: "moments",
        reason: "moments are of a run of at most \(BinnedSums.mostTerms) inputs, not of \(samples.total)")
    }
    var pass = try MomentsPass(self, options, samples)
    let model: String
    do throws(ModelError) { model = try digest() } catch { throw .model(error) }
    var writer: MomentsWriter
    do throws(FileError) { writer = try MomentsWriter() } catch { throw .model(.file(error)) }
    try pass.run(&writer, progress)
    let header = MomentsHeader(
      model: model, sampling: sampling,
      samples: samples.first..<(samples.first + samples.inputs.count), total: samples.total)
    do throws(FileError) { try writer.write(header, to: path, in: &files) } catch {
      throw .model(.file(error))
    }
    return (pass.layers, pass.positions)
  }
}

/// The pass over the original network that moments files come of.
private struct MomentsPass {
  let model: ModelGraph
  let work: LayerWork
  let samples: CalibrationSamples
  let threads: Int
  let route: CalibrationRoute
  private var track: CalibrationTrack
  private let probe: MomentsProbe
  private(set) var layers = 0
  private(set) var positions = 0

  init(
    _ model: ModelGraph, _ options: CompressionOptions, _ samples: CalibrationSamples
  ) throws(CompressError) {
    work = try LayerWork(model, options)
    (self.model, self.samples, threads) = (model, samples, options.threads)
    route = CalibrationRoute(model, work)
    probe = try MomentsProbe(model, samples, threads: options.threads)
    track = try CalibrationTrack(
      samples, path: model.path, store: ValueStore(mostBytes: CalibrationTrack.mostBytes))
  }

  mutating func run(
    _ writer: inout MomentsWriter, _ progress: @Sendable (Progress) -> Void
  ) throws(CompressError) {
    for (place, stop) in route.stops.enumerated() {
      try pass(stop, &writer)
      progress(Progress(done: place + 1, total: route.stops.count, layer: work.layers[stop.layer].name))
    }
  }

  private mutating func pass(
    _ stop: CalibrationRoute.Stop, _ writer: inout MomentsWriter
  ) throws(CompressError) {
    let layer = work.layers[stop.layer]
    let cost = work.groups[stop.group].cost
    let isWanted = LayerPlanner(options: CompressionOptions()).obstacle(cost) == nil
    let reading = isWanted ? try? LayerReading(layer, model) : nil
    let (before, dense) = try model.pieces(of: stop, reading, threads: threads)
    var sums = reading.map {
      BinnedLayer(groups: $0.layer.groups, patch: $0.patch, responses: $0.responses)
    }
    for sample in samples.inputs.indices {
      _ = try track.advance(sample: sample, through: before, keeping: stop.neededBefore)
      let input = try reading.flatMap { reading throws(CompressError) in
        try track.value(reading.input, sample: sample)
      }
      // Those that the probe takes on from here stay in front of the layer until it has.
      let made =
        probe.isProbed(sample)
        ? try dense.run(track.inputs(of: dense, sample: sample))
        : try track.advance(sample: sample, through: dense, keeping: stop.neededAfter)
      guard let reading, sums != nil else { continue }
      var collector = MomentsCollector(reading, samples, threads: threads)
      guard collector.add(sample: sample, input: input, response: made[reading.output]) else {
        sums = nil
        continue
      }
      guard sums?.add(collector.finish()) == true else {
        throw .model(
          .node(
            path: model.path, name: layer.name,
            reason:
              "its moments on sample \(samples.number(sample)) are not finite, or too large to be summed"))
      }
    }
    if let reading, var sums {
      sums.probes = try probe.probe(
        stop, reading, cost, dense: dense, of: track, in: model, threads: threads)
      do throws(FileError) { try writer.append(sums, node: layer.node) } catch { throw .model(.file(error)) }
      layers += 1
      positions += sums.groups[0].fitted.count
    }
    for sample in samples.inputs.indices where probe.isProbed(sample) {
      _ = try track.advance(sample: sample, through: dense, keeping: stop.neededAfter)
    }
  }
}
