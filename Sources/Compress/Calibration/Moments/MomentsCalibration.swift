import Decompose
public import ModelGraph
import TensorFiles

/// Calibration by moments out of files: what inputs that other machines saw say of a model's layers.
///
/// As `Calibration`, but symmetric: each layer is fitted to what the original network gives it, as machines that see the
/// original alone know of no other input. Layers that the files do not hold go by their weights.
public struct MomentsCalibration: Sendable {
  /// The options that were given, with errors measured by the moments.
  public let options: CompressionOptions
  private let set: MomentsSet
  private let work: LayerWork
  private let source: MomentsSource
  private let positions: Int
  private let error: FiledError
  /// The layers that the files do not hold, though they may be factored.
  public let unseen: [String]

  /// Fits every layer in every form to the moments of a set.
  ///
  /// **Throws** `CompressError` for options that do not fit the model, and for files that cannot be read or are not of
  /// the model's layers.
  ///
  /// **Complexity** the fits of `Calibration` and reading the files; one layer's moments and fits are in memory at a time,
  /// and 2 T² Doubles of every layer.
  public init(
    _ model: ModelGraph, _ options: CompressionOptions, _ set: MomentsSet,
    progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) {
    work = try LayerWork(model, options)
    source = MomentsSource(set, work, model)
    self.set = set
    var error = FiledError(source: source)
    var (positions, unseen) = (0, [String]())
    progress(.beginning(.trying, of: work.groups.count))
    for (place, group) in work.groups.enumerated() {
      let name = group.cost.names[0]
      let planner = LayerPlanner(options: options)
      if planner.obstacle(group.cost) == nil {
        let layer = try Self.look(model, work.layers[group.members[0]], group.cost, source, planner)
        error.foretold.layers[name] = layer?.layer
        error.metrics[name] = layer?.metric
        positions += layer?.positions ?? 0
        if layer == nil { unseen += group.cost.names }
      }
      progress(Progress(done: place + 1, total: work.groups.count, layer: name, task: .trying))
    }
    (self.positions, self.unseen, self.error) = (positions, unseen, error)
    var measured = options
    measured.error = error
    self.options = measured
  }

  /// The errors of a group's layer in every form; nil where no data reach it or it cannot be fitted to them.
  private static func look(
    _ model: ModelGraph, _ layer: FactorableLayer, _ cost: MeasuredLayer, _ source: MomentsSource,
    _ planner: LayerPlanner
  ) throws(CompressError) -> (layer: ForetoldError.Layer, metric: LayerMetric?, positions: Int)? {
    let known: FiledLayer?
    do throws(FileError) { known = try source.layer(cost.names[0]) } catch { throw .model(.file(error)) }
    guard let known, let reading = source.reading(cost.names[0]) else { return nil }
    let kernel: LayerKernel
    do throws(ModelError) { kernel = try model.layerKernel(of: layer) } catch { throw .model(error) }
    let metric = known.metric()
    let sums = known.sums(kernel.values, metric)
    var options = planner.options
    let fit: ResponseFit
    do throws(DecomposeError) {
      fit = try ResponseFit(kernel.values, sums.moments, metric: metric, fitsBias: reading.fitsBias)
    } catch { return nil }
    options.error = fit
    let kinds = LayerPlanner(options: options).recordedErrors(kernel.values, cost)
    let found = ForetoldError.Layer(
      kinds: kinds, weight: sums.weight ?? 1, ridgeParts: fit.problems.map(\.ridgePart))
    return (found, metric, sums.moments.positions)
  }

  /// What the report says of the data.
  public var report: CompressionReport.Calibration {
    let held = (0..<set.total).filter { CalibrationSamples.isHeldOut(number: $0, of: set.total) }.count
    var report = CompressionReport.Calibration(
      samples: set.total - held, heldOut: held, positions: positions, fit: "symmetric")
    report.notWeighed = set.notWeighed
    return report
  }

  /// The second pass over samples that are at hand, of which it takes what the compressed network gives each layer: see
  /// `ModelGraph.compress(_:calibration:)`. Forms and ranks are then chosen by the moments, and fitted to these samples.
  public func asymmetric(_ model: ModelGraph, _ samples: CalibrationSamples) throws(CompressError)
    -> Calibration
  {
    let route = CalibrationRoute(model, work)
    var readings: [Int: LayerReading] = [:]
    var shared: [Int: LayerMoments] = [:]
    var metrics: [Int: LayerMetric] = [:]
    for stop in route.stops {
      let group = work.groups[stop.group]
      let name = group.cost.names[0]
      guard source.reading(name) != nil else { continue }
      readings[stop.layer] = try? LayerReading(work.layers[stop.layer], model)
      metrics[stop.group] = error.metrics[name]
      guard group.members.count > 1, shared[stop.group] == nil else { continue }
      let (known, kernel): (FiledLayer?, LayerKernel)
      do throws(FileError) { known = try source.layer(name) } catch { throw .model(.file(error)) }
      do throws(ModelError) { kernel = try model.layerKernel(of: work.layers[stop.layer]) } catch {
        throw .model(error)
      }
      shared[stop.group] = known?.sums(kernel.values, error.metrics[name]).moments
    }
    return Calibration(
      options: options, known: error.foretold, samples: samples, work: work, route: route, readings: readings,
      metrics: metrics, shared: shared, probes: [], positions: positions, notWeighed: set.notWeighed)
  }
}
