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

  /// What the files with moments hold; nil where none are given.
  ///
  /// **Throws** `FileError` for files that cannot be read, are of another model, or do not add up.
  func moments(of model: ModelGraph) throws -> MomentsSet? {
    guard !moments.isEmpty else { return nil }
    return try MomentsSet(moments, of: model)
  }

  /// Whether layers are fitted to data, and the files that these come out of.
  var usesData: Bool { calibrate != nil || !moments.isEmpty }
  var files: [String] { moments + (calibrate.map { [$0] } ?? []) }
}

extension CalibrationSamples {
  /// Images as samples: those at some places of a source, which are `total` samples from `first` on of a whole set, or
  /// without that the whole set; `shapes` are those given for inputs that the model leaves open.
  ///
  /// **Throws** `FileError` where they cannot be read or the model takes something else.
  init(
    _ source: ImageSource, of model: ModelGraph, named path: String, shapes: [String: [Int]] = [:],
    places: some Sequence<Int>, first: Int = 0, total: Int? = nil
  ) throws {
    do {
      try self.init(of: model, shapes: shapes, places: places, first: first, total: total) { info, images in
        try source.batch(images, for: info, model: model.path)
      }
    } catch CompressError.option(_, let reason) { throw FileError(path: path, reason: reason) }
  }
}
