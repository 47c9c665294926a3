public import ModelGraph
import Network
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
  /// n² / 2 sums; in memory four times a layer's n² / 2 Doubles, the matrices of one sample, and T² Doubles of every layer for
  /// each output. The file has as much of each layer, and waits in the system's folder for temporary files until all of it is
  /// there.
  public func writeMoments(
    of samples: CalibrationSamples, sampling: String, _ options: CompressionOptions, to path: String,
    in files: inout FileTransaction, progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) -> (layers: Int, positions: Int) {
    guard samples.step == 1, samples.total <= BinnedSums.mostTerms else {
      throw .option(
        name: "moments",
        reason: "moments are of a run of at most \(BinnedSums.mostTerms) inputs, not of \(samples.total)")
    }
    var pass = try OriginalPass(self, LayerWork(self, options), samples, threads: options.threads)
    let model: String
    do throws(ModelError) { model = try digest() } catch { throw .model(error) }
    let writer: MomentsWriter
    do throws(FileError) { writer = try MomentsWriter() } catch { throw .model(.file(error)) }
    let readings = readings(of: pass.work)
    var every = options
    (every.layers, every.skip) = (nil, nil)
    let values = readings.isEmpty ? [] : try self.readings(of: LayerWork(self, every)).values.map(\.output)
    let gradients = try OutputGradients(self, values, readings, samples, threads: pass.threads)
    let probe = try MomentsProbe(pass.model, pass.samples, threads: pass.threads)
    var seen = MomentsLook(pass, readings, gradients, probe, writer)
    try pass.run(&seen, progress)
    let header = MomentsHeader(
      model: model, sampling: sampling,
      samples: samples.first..<(samples.first + samples.inputs.count), total: samples.total,
      weighing: gradients.obstacle.map { .none(reason: $0) } ?? .outputs(gradients.outputs.count))
    let found = (seen.layers, seen.positions)
    do throws(FileError) { try seen.write(header, to: path, in: &files) } catch {
      throw .model(.file(error))
    }
    return found
  }

  /// The readings of the layers that moments are gathered of, by layer.
  private func readings(of work: LayerWork) -> [Int: LayerReading] {
    let planner = LayerPlanner(options: CompressionOptions())
    var readings: [Int: LayerReading] = [:]
    for group in work.groups where planner.obstacle(group.cost) == nil {
      for member in group.members { readings[member] = try? LayerReading(work.layers[member], self) }
    }
    return readings
  }
}

/// What moments files take of the pass over the original network.
private struct MomentsLook: LayerObserver, ~Copyable {
  private let model: ModelGraph
  private let work: LayerWork
  private let samples: CalibrationSamples
  private let threads: Int
  private let readings: [Int: LayerReading]
  private let gradients: OutputGradients
  private let probe: MomentsProbe
  private var writer: MomentsWriter
  private var reading: LayerReading?
  /// The sums of the layer that is looked at; nil where its tensors do not fit it.
  private var sums: BinnedLayer?
  private(set) var layers = 0
  private(set) var positions = 0

  init(
    _ pass: OriginalPass, _ readings: [Int: LayerReading], _ gradients: OutputGradients,
    _ probe: MomentsProbe,
    _ writer: consuming MomentsWriter
  ) {
    (model, work, samples, threads) = (pass.model, pass.work, pass.samples, pass.threads)
    (self.readings, self.gradients, self.probe) = (readings, gradients, probe)
    self.writer = writer
  }

  func isProbed(_ sample: Int) -> Bool { probe.isProbed(sample) }

  mutating func begin(_ stop: CalibrationRoute.Stop) -> LayerReading? {
    reading = readings[stop.layer]
    sums = reading.map { BinnedLayer(groups: $0.layer.groups, patch: $0.patch, responses: $0.responses) }
    return reading
  }

  mutating func add(
    _ sample: Int, input: NetworkTensor?, response: NetworkTensor?
  ) throws(CompressError) {
    guard let reading, sums != nil else { return }
    var collector = MomentsCollector(reading, samples, threads: threads)
    guard collector.add(sample: sample, input: input, response: response) else {
      sums = nil
      return
    }
    guard sums?.add(collector.finish().moments) == true else {
      throw .model(
        .node(
          path: model.path, name: reading.layer.name,
          reason:
            "its moments on sample \(samples.number(sample)) are not finite, or too large to be summed"))
    }
  }

  mutating func finish(
    _ stop: CalibrationRoute.Stop, dense: CalibrationPiece, _ track: CalibrationTrack
  ) throws(CompressError) {
    guard let reading, var sums else { return }
    self.sums = nil
    let probed = try probe.probe(
      stop, reading, work.groups[stop.group].cost, dense: dense, of: track, in: model, threads: threads)
    sums.probes = probed.samples
    sums.weighing = gradients.layers[stop.layer].map { .init(gradients: $0, errors: probed.errors) }
    do throws(FileError) { try writer.append(sums, node: reading.layer.node) } catch {
      throw .model(.file(error))
    }
    layers += 1
    positions += sums.groups[0].fitted.count
  }

  /// Writes what was appended.
  consuming func write(
    _ header: MomentsHeader, to path: String, in files: inout FileTransaction
  ) throws(FileError) {
    try writer.write(header, to: path, in: &files)
  }
}
