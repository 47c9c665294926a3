import ArgumentParser
import Compress
import ModelGraph
import TensorFiles
import Tune

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What `compress` does beyond factoring: the network learns from the model that it came from.
struct CompressionTuning: ParsableArguments {
  @Option(
    name: .customLong("tune"),
    help: ArgumentHelp(
      "Then let the factored network learn the model's outputs for about so many minutes, on images without labels; lowrank"
        + " tune has all settings.",
      valueName: "minutes"))
  var minutes: Double?

  @Option(
    help: ArgumentHelp(
      "The images to learn on: X.npy or a folder of PNG and JPEG files. (default: those of --calibrate)"))
  var tuneOn: String?

  @Option(
    help: ArgumentHelp(
      "Go there in so many steps: factor a part of the way, learn for a part of the minutes, and factor the result further."
    ))
  var rounds = 1

  @OptionGroup var looks: LookArguments

  func validate() throws {
    guard (1...16).contains(rounds) else { throw ValidationError("--rounds lies between 1 and 16.") }
    guard rounds == 1 || minutes != nil else {
      throw ValidationError("--rounds are about tuning: give --tune MINUTES.")
    }
    guard minutes.map({ $0 > 0 && $0 <= 100_000 }) ?? true else {
      throw ValidationError("--tune is over 0 minutes.")
    }
    guard minutes != nil || (tuneOn == nil && looks.crop == nil && looks.flips == nil) else {
      throw ValidationError("--tune-on, --crop and --flips are about tuning: give --tune MINUTES.")
    }
  }

  /// The budget of a round, in equal factors: `F^(round / rounds)`.
  func budget(_ whole: Budget?, _ round: Int) -> Budget? {
    whole.map { Budget(pow($0.fraction, Double(round) / Double(rounds)), of: $0.measure) }
  }

  /// Tunes a network that was made of `original`, for the minutes of a round.
  ///
  /// **Throws** `FileError` where the images do not fit, or what tuning meets.
  func tune(
    _ model: inout ModelGraph, from original: ModelGraph, images path: String, _ preparation: ImageArguments,
    isFitted: Bool, threads: Int
  ) throws -> TuneReport? {
    guard let minutes else { return nil }
    var options = TuneOptions()
    (options.length, options.threads) = (.minutes(minutes / Double(rounds)), threads)
    // Calibration has fitted each layer by itself already.
    if isFitted { options.blockShare = 0 }
    let source = try ImageSource(path, preparation)
    let pool = try ImagePool(source, for: model, looks: looks, limit: options.memoryLimit)
    do throws(TuneError) {
      let tuner = try Tuner(model, teacher: original, images: pool, options: options)
      return try TuneReport.ofRun(tuner, on: &model, looks: pool.text)
    } catch { throw error.inFile(model.path) }
  }
}

extension TuneReport {
  /// Tunes the network that a tuner was made for, with a line every few seconds where it `prints`, and reports.
  static func ofRun(
    _ tuner: Tuner, on model: inout ModelGraph, looks: String, prints: Bool = true
  ) throws(TuneError) -> TuneReport {
    var report = TuneReport(tuner, looks: looks)
    if prints { ErrorOutput.print(report.plan) }
    report.finish(try TuningRun(tuner, prints: prints).result { report.add($0) }, of: &model)
    return report
  }
}

extension TuneError {
  /// The error as one of the model's file.
  func inFile(_ path: String) -> any Error {
    switch self {
    case .model(let error), .gradient(.model(let error)): error
    case .network(let error), .gradient(.network(let error)): error.inFile(path)
    default: FileError(path: path, reason: description)
    }
  }
}
