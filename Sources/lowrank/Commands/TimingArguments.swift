import ArgumentParser
import Compress
import ModelGraph
import Reports
import TensorFiles
import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What runs networks against the clock.
enum TimingRuntime: String, ExpressibleByArgument, CaseIterable {
  /// This package's engine.
  case lowrank
  /// ONNX Runtime, where its library is installed.
  case onnxruntime

  /// The timer of a model's inputs.
  ///
  /// **Throws** where the runtime is not installed.
  func timer(_ options: CompressionOptions, threads: Int) throws -> any NetworkTimer {
    switch self {
    case .lowrank: return EngineTimer(threads: threads, inputShapes: options.inputShapes)
    case .onnxruntime:
      let path = ProcessInfo.processInfo.environment["LOWRANK_ONNXRUNTIME"]
      return try OnnxRuntimeTimer(threads: threads, inputShapes: options.inputShapes, library: path)
    }
  }
}

/// A budget of time, and whose milliseconds it counts.
struct TimingArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Keep this fraction of the time of a run, as measured here on --threads threads; shared out likewise."))
  var latency: Double?

  @Option(name: .customLong("target-ms"), help: "Make a run take at most so many milliseconds, likewise.")
  var targetMs: Double?

  @Option(
    help: "Go by a board's times instead of this machine's: a file that `lowrank profile` has written there.",
    completion: .file(extensions: ["json"]))
  var profile: String?

  @Option(
    help: ArgumentHelp(
      "Whose milliseconds: lowrank, or onnxruntime where its library is installed or LOWRANK_ONNXRUNTIME names it. (default: lowrank)"
    ))
  var runtime: TimingRuntime?

  func validate() throws {
    guard latency == nil || targetMs == nil else {
      throw ValidationError("Give one of --latency and --target-ms, not both.")
    }
    guard latency.map({ $0 > 0 && $0 <= 1 }) ?? true else {
      throw ValidationError("--latency lies between 0 and 1.")
    }
    guard targetMs.map({ $0 > 0 && $0.isFinite }) ?? true else {
      throw ValidationError("--target-ms is a number of milliseconds above 0.")
    }
    guard (profile == nil && runtime == nil) || target != nil else {
      throw ValidationError("--profile and --runtime price a budget of time: give --latency or --target-ms.")
    }
    guard profile == nil || runtime == nil else {
      throw ValidationError(
        "Give one of --profile and --runtime: a profile says itself whose times it holds.")
    }
  }

  /// The time asked for; nil where none is.
  var target: LatencyTarget? {
    latency.map(LatencyTarget.fraction) ?? targetMs.map(LatencyTarget.milliseconds)
  }

  /// The time asked for, and where the milliseconds come from; nil where none is asked for.
  ///
  /// **Throws** where the profile cannot be read, or the runtime is not installed.
  func latency(_ options: CompressionOptions) throws -> (target: LatencyTarget, source: LatencySource)? {
    guard let target else { return nil }
    if let profile { return (target, .table(try Self.table(profile))) }
    let timer = try (runtime ?? .lowrank).timer(options, threads: options.threads)
    return (target, .timer(timer, cache: .users))
  }

  /// An error of a table as one of its file.
  func placed(_ error: TimingError) -> any Error {
    guard let profile, case .table(let reason) = error else { return error }
    return FileError(path: profile, reason: reason)
  }

  private static func table(_ path: String) throws -> TimeTable {
    let data = try FileReader.bytes(ofFile: path)
    do { return try JSONDecoder().decode(TimeTable.self, from: data) } catch {
      throw FileError(path: path, reason: "this is no table of times as `lowrank profile` writes it")
    }
  }
}

extension TimesCache {
  /// The user's own, where the environment says where that is; else one in memory.
  static var users: TimesCache { TimesCache(path: userPath(ProcessInfo.processInfo.environment)) }
}

extension CompressionReport {
  /// The times before and after, or why there are none, in lines for people.
  var timeText: [String] {
    if let time { return [time.text] + (timeWarning.map { [$0] } ?? []) }
    guard let notTimed else { return [] }
    return ["not timed: \(notTimed.onOneLine); fewer multiplies may be no fewer milliseconds"]
  }
}

extension CompressionReport.Time {
  /// The times before and after, in a line for people.
  fileprivate var text: String {
    let whose = runtime == "lowrank" ? "" : " in \(runtime)"
    let before = "time of a run\(whose), \(threads) thread(s): \(millisecondsText(denseMs)) -> "
    guard let measuredMs else {
      return before
        + "\(millisecondsText(predictedMs ?? denseMs)) predicted (\(percent(fraction))), not measured here"
    }
    let measured = before + "\(millisecondsText(measuredMs)) measured (\(percent(fraction)))"
    return predictedMs.map {
      measured + ", \(millisecondsText($0)) predicted, prices corrected \(rounds) time(s)"
    }
      ?? measured
  }
}
