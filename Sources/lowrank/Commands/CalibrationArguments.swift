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

  /// The samples for a model; nil where no calibration is asked for.
  ///
  /// **Throws** `FileError` where they cannot be read or the model takes something else.
  func samples(for model: ModelGraph) throws -> CalibrationSamples? {
    guard let calibrate else { return nil }
    let source = try ImageSource(calibrate, preparation)
    return try CalibrationSamples(source, of: model, named: calibrate, samples: samples)
  }
}

extension CalibrationSamples {
  /// Images as samples: `samples` of them, spread evenly, all without; a part of these where `first` and `step` say so.
  ///
  /// **Throws** `FileError` where they cannot be read or the model takes something else.
  init(
    _ source: ImageSource, of model: ModelGraph, named path: String, samples: Int?, first: Int = 0,
    step: Int = 1
  ) throws {
    guard model.inputs.count == 1, let info = model.inputs.first else {
      throw FileError(
        path: model.path,
        reason: "calibration is for models of one input; this one has \(model.inputs.count)")
    }
    let count = min(samples ?? source.count, source.count)
    // A model that fixes its batch is given the same input several times over: its positions are alike, and do no harm.
    let batch = max(1, (info.extents?.first ?? nil) ?? 1)
    var inputs: [[String: NetworkTensor]] = []
    for number in stride(from: first, to: count, by: step) {
      let place = number * source.count / count
      let places = [Int](repeating: place, count: batch)
      inputs.append([info.name: try source.batch(places, for: info, model: model.path)])
    }
    do throws(CompressError) { try self.init(inputs, first: first, step: step, total: count) } catch {
      if case .option(_, let reason) = error { throw FileError(path: path, reason: reason) }
      throw error
    }
  }
}
