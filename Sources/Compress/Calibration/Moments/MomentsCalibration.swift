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
  private let foretold: ForetoldError
  /// The layers that the files do not hold, though they may be factored.
  public let unseen: [String]

  /// Fits every layer in every form to the moments of a set.
  ///
  /// **Throws** `CompressError` for options that do not fit the model, and for files that cannot be read or are not of
  /// the model's layers.
  ///
  /// **Complexity** the fits of `Calibration` and reading the files; one layer's moments and fits are in memory at a time.
  public init(
    _ model: ModelGraph, _ options: CompressionOptions, _ set: MomentsSet,
    progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(CompressError) {
    work = try LayerWork(model, options)
    source = MomentsSource(set, work, model)
    self.set = set
    var error = FiledError(source: source)
    var (positions, unseen) = (0, [String]())
    for (place, group) in work.groups.enumerated() {
      let name = group.cost.names[0]
      let planner = LayerPlanner(options: options)
      if planner.obstacle(group.cost) == nil {
        let layer = try Self.look(model, work.layers[group.members[0]], group.cost, source, planner)
        error.foretold.layers[name] = layer?.layer
        positions += layer?.positions ?? 0
        if layer == nil { unseen += group.cost.names }
      }
      progress(Progress(done: place + 1, total: work.groups.count, layer: name))
    }
    (self.positions, self.unseen, foretold) = (positions, unseen, error.foretold)
    var measured = options
    measured.error = error
    self.options = measured
  }

  /// The errors of a group's layer in every form; nil where no data reach it or it cannot be fitted to them.
  private static func look(
    _ model: ModelGraph, _ layer: FactorableLayer, _ cost: MeasuredLayer, _ source: MomentsSource,
    _ planner: LayerPlanner
  ) throws(CompressError) -> (layer: ForetoldError.Layer, positions: Int)? {
    let sums: (moments: LayerMoments, weight: Double?)?
    do throws(FileError) { sums = try source.sums(cost.names[0]) } catch { throw .model(.file(error)) }
    guard let sums, let reading = source.reading(cost.names[0]) else { return nil }
    let kernel: LayerKernel
    do throws(ModelError) { kernel = try model.layerKernel(of: layer) } catch { throw .model(error) }
    var options = planner.options
    let fit: ResponseFit
    do throws(DecomposeError) {
      fit = try ResponseFit(kernel.values, sums.moments, fitsBias: reading.fitsBias)
    } catch { return nil }
    options.error = fit
    let kinds = LayerPlanner(options: options).recordedErrors(kernel.values, cost)
    let found = ForetoldError.Layer(
      kinds: kinds, weight: sums.weight ?? 1, ridgeParts: fit.problems.map(\.ridgePart))
    return (found, sums.moments.positions)
  }

  /// What the report says of the data.
  public var report: CompressionReport.Calibration {
    let held = (0..<set.total).filter { CalibrationSamples.isHeldOut(number: $0, of: set.total) }.count
    var report = CompressionReport.Calibration(
      samples: set.total - held, heldOut: held, positions: positions, fit: "symmetric")
    report.notWeighed = Self.notWeighed
    return report
  }

  private static var notWeighed: String { "moments files do not hold what the outputs make of errors" }

  /// The second pass over samples that are at hand, of which it takes what the compressed network gives each layer: see
  /// `ModelGraph.compress(_:calibration:)`. Forms and ranks are then chosen by the moments, and fitted to these samples.
  public func asymmetric(_ model: ModelGraph, _ samples: CalibrationSamples) throws(CompressError)
    -> Calibration
  {
    let route = CalibrationRoute(model, work)
    var readings: [Int: LayerReading] = [:]
    var shared: [Int: LayerMoments] = [:]
    for stop in route.stops {
      let group = work.groups[stop.group]
      guard source.reading(group.cost.names[0]) != nil else { continue }
      readings[stop.layer] = try? LayerReading(work.layers[stop.layer], model)
      guard group.members.count > 1, shared[stop.group] == nil else { continue }
      do throws(FileError) { shared[stop.group] = try source.sums(group.cost.names[0])?.moments } catch {
        throw .model(.file(error))
      }
    }
    return Calibration(
      options: options, known: foretold, samples: samples, work: work, route: route, readings: readings,
      shared: shared, probes: [], positions: positions, notWeighed: Self.notWeighed)
  }
}
