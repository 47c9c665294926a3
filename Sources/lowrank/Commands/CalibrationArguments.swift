import ArgumentParser
import Compress
import ModelGraph
import Network
import TensorFiles
import Tensors

/// Inputs that a model is calibrated on.
struct CalibrationArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Fit each layer to what it does on these inputs, a few dozen without labels: X.npy with an input for each row, or a"
        + " folder of PNG and JPEG files."))
  var calibrate: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Fit each layer by moments that `lowrank moments` has gathered, all parts of them: to the original network's inputs of each"
        + " layer. With --calibrate forms and ranks go by the moments, and the fit by those inputs."),
    completion: .file(extensions: ["safetensors"]))
  var moments: [String] = []

  @Option(help: "Calibrate on this many inputs, spread over those given. (default: all)")
  var samples: Int?

  @Option(
    name: .customLong("min-agreement"),
    help: ArgumentHelp(
      "Stop where the answers on held-out inputs are like the original's no more: the same class for this part of them, or"
        + " for maps a relative error of 1 less this. The budget is then the least that is tried."))
  var minAgreement: Double?

  @OptionGroup var preparation: ImageArguments

  func validate() throws {
    guard samples.map({ $0 >= 1 }) ?? true else { throw ValidationError("--samples is at least 1.") }
    guard minAgreement.map({ $0 > 0 && $0 <= 1 }) ?? true else {
      throw ValidationError("--min-agreement lies between 0 and 1.")
    }
    guard minAgreement == nil || calibrate != nil else {
      throw ValidationError("--min-agreement is judged on inputs: give --calibrate.")
    }
    guard samples == nil || calibrate != nil else {
      throw ValidationError("--samples is about the inputs to calibrate on: give --calibrate.")
    }
  }

  /// The samples for a model whose inputs may be given shapes; nil where no calibration is asked for.
  ///
  /// **Throws** `FileError` where they cannot be read or the model takes something else.
  func samples(for model: ModelGraph, shapes: [String: [Int]]) throws -> CalibrationSamples? {
    guard let calibrate else { return nil }
    let source = try ImageSource(calibrate, preparation)
    let count = min(samples ?? source.count, source.count)
    let places = (0..<count).map { $0 * source.count / count }
    return try CalibrationSamples(source, of: model, named: calibrate, shapes: shapes, places: places)
  }

  /// What the files with moments say of a model's layers; nil where none are given.
  ///
  /// **Throws** `FileError` for files that cannot be read, are of another model, or do not add up.
  func moments(
    of model: ModelGraph, _ options: CompressionOptions, progress: @escaping @Sendable (Progress) -> Void
  ) throws -> MomentsCalibration? {
    guard !moments.isEmpty else { return nil }
    return try MomentsCalibration(model, options, MomentsSet(moments, of: model), progress: progress)
  }

  /// Whether layers are fitted to data, and the files that these come out of.
  var usesData: Bool { calibrate != nil || !moments.isEmpty }
  var files: [String] { moments + (calibrate.map { [$0] } ?? []) }
}

extension CalibrationSamples {
  /// The shapes given, and those of the first sample for inputs that a model leaves open: what its layers cost there.
  func completing(_ given: [String: [Int]], of model: ModelGraph) -> [String: [Int]] {
    let open = Set(model.inputs.filter(\.isOpen).map(\.name))
    let seen = inputs[0].filter { open.contains($0.key) }.mapValues(\.shape.extents)
    return given.merging(seen) { given, _ in given }
  }

  /// Images as samples: those at some places of a source, which are `total` samples from `first` on of a whole set, or
  /// without that the whole set; `shapes` are those given for inputs that the model leaves open.
  ///
  /// **Throws** `FileError` where they cannot be read or the model takes something else.
  init(
    _ source: ImageSource, of model: ModelGraph, named path: String, shapes: [String: [Int]] = [:],
    places: some Sequence<Int>, first: Int = 0, total: Int? = nil
  ) throws {
    guard model.inputs.count == 1, let info = model.inputs.first.map({ $0.fixed(to: shapes[$0.name]) }) else {
      throw FileError(
        path: model.path,
        reason: "calibration is for models of one input; this one has \(model.inputs.count)")
    }
    // A model that fixes its batch is given the same input several times over: its positions are alike, and do no harm.
    let batch = max(1, (info.extents?.first ?? nil) ?? 1)
    var inputs: [[String: NetworkTensor]] = []
    for place in places {
      let places = [Int](repeating: place, count: batch)
      inputs.append([info.name: try source.batch(places, for: info, model: model.path)])
    }
    do throws(CompressError) { try self.init(inputs, first: first, total: total) } catch {
      if case .option(_, let reason) = error { throw FileError(path: path, reason: reason) }
      throw error
    }
  }
}
