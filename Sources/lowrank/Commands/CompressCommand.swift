import ArgumentParser
import Compress
import ModelGraph
import ONNX
import Reports
import TensorFiles
import Tensors
import Tune

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `lowrank compress`
struct CompressCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compress", abstract: "Factors the layers of a model and writes a smaller one.")

  @OptionGroup var arguments: ModelArguments

  @Option(name: [.short, .long], help: "The model to write.", completion: .file(extensions: ["onnx"]))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Keep this fraction of all multiplies; ranks and forms are shared out over the layers so that the error is least."
    ))
  var macs: Double?

  @Option(help: "Keep this fraction of all weights, shared out likewise.")
  var params: Double?

  @OptionGroup(title: "Time") var timing: TimingArguments

  @OptionGroup(title: "Calibration") var calibration: CalibrationArguments

  @OptionGroup(title: "Tuning") var tuning: CompressionTuning

  @Option(
    help:
      "How weights are stored: in half precision, as integers with a scale for each output channel, or whichever adds little to a layer's error."
  )
  var weights = WeightStorage.original

  @Option(
    help:
      "What an error of each layer weighs under a budget: a JSON file such as {\"conv1\": 4.5}; 1 for the others.",
    completion: .file(extensions: ["json"]))
  var sensitivities: String?

  @Option(help: "Print the trade-off for many fractions, e.g. 0.3,0.4,0.5, and write no model.")
  var sweep: FractionList?

  @Option(
    defaultAsFlag: "-",
    help: "Print the report as JSON, or write it to a file of this name.",
    completion: .file(extensions: ["json"]))
  var json: String?

  @Option(
    help: "Write the report with pictures as a page for the browser, e.g. report.html.",
    completion: .file(extensions: ["html"]))
  var report: String?

  func validate() throws {
    let budgets = [macs, params, timing.latency, timing.targetMs].compactMap { $0 }
    guard budgets.count <= 1, budgets.isEmpty || !arguments.hasCriterion else {
      throw ValidationError(
        "Give one of --macs, --params, --latency, --energy, --error and --ranks-ratio, not several.")
    }
    guard [macs, params].compactMap({ $0 }).allSatisfy({ $0 > 0 && $0 <= 1 }) else {
      throw ValidationError("--macs and --params lie between 0 and 1.")
    }
    guard !calibration.usesData || !budgets.isEmpty || sweep != nil else {
      throw ValidationError(
        "--calibrate and --moments share out a budget by the data: give --macs, --params or --latency.")
    }
    guard !calibration.usesData || sensitivities == nil else {
      throw ValidationError(
        "--calibrate and --moments measure what errors weigh: give them or --sensitivities, not both.")
    }
    guard (sweep == nil) != (output == nil) else {
      throw ValidationError(
        output == nil
          ? "Say where to write the model with -o, or ask for a --sweep."
          : "-o goes without a --sweep, which writes no model: give --macs or --params for one.")
    }
    guard sensitivities == nil || !budgets.isEmpty || sweep != nil else {
      throw ValidationError("--sensitivities share out a budget: give --macs, --params or a --sweep.")
    }
    guard tuning.minutes == nil || tuning.tuneOn != nil || calibration.calibrate != nil else {
      throw ValidationError("--tune learns on images: give --calibrate or --tune-on.")
    }
    guard tuning.rounds == 1 || calibration.moments.isEmpty else {
      throw ValidationError("--rounds go over several networks: give --calibrate, as --moments are of one.")
    }
    guard tuning.rounds == 1 || macs != nil || params != nil else {
      throw ValidationError("--rounds share out the way to a fraction: give --macs or --params.")
    }
    guard tuning.minutes == nil || (sweep == nil && weights == .original) else {
      throw ValidationError(
        "--tune goes neither with a --sweep, which writes no model, nor with --weights: store those of the tuned model by lowrank"
          + " compress TUNED.onnx --error 0 --weights ...")
    }
    guard sweep == nil || report == nil else {
      throw ValidationError("--report is about a model that is written, not a --sweep.")
    }
    guard sweep == nil || !arguments.hasCriterion else {
      throw ValidationError("--sweep goes with --macs or --params, not with a criterion for single layers.")
    }
  }

  func run() throws {
    var outputs = try OutputSet(
      reading: [arguments.model, sensitivities, timing.profile, tuning.tuneOn].compactMap { $0 }
        + calibration.files,
      writing: [.init("-o", output), .init("--json", jsonFile), .init("--report", report)],
      reserving: [.init("-o", output.map(ModelGraph.externalDataPath))])
    if let sweep { return try printTradeOff(sweep.values, &outputs) }
    guard let output else { return }
    let clock = ContinuousClock()
    let start = clock.now
    var model = try arguments.loadModel(declaringTo: &outputs)
    var options = try options(for: model)
    let original = model
    var (result, tradeOff, tuned) = try compressInRounds(&model, &options)
    result.model.bytesAfter = try model.saveONNX(to: output, in: &outputs.files)
    result.timeRun(
      of: model, beside: original,
      with: EngineTimer(threads: options.threads, inputShapes: options.inputShapes),
      after: (clock.now - start).seconds)
    result.elapsedSeconds = (clock.now - start).seconds
    let whole = CompressionOutcome(compression: result, tuning: tuned)
    try writeReports(whole, tradeOff, options, to: &outputs)
    let lines =
      [result.text(errors: options.error.title, inputs: model.inputs)] + (tuned.map { [$0.text] } ?? [])
    let text = "\(lines.joined(separator: "\n"))\n\(output) written in \(fixed(result.elapsedSeconds, 2)) s"
    try outputs.finish(printing: printsJSON ? try jsonText(whole) : text)
  }

  /// Factors the layers and tunes the result, as often as there are rounds: of a fraction F in N rounds the first one goes to
  /// `F^(1/N)`, the second to `F^(2/N)`, and so on.
  private func compressInRounds(
    _ model: inout ModelGraph, _ options: inout CompressionOptions
  ) throws -> (CompressionReport, TradeOff?, TuneReport?) {
    let (original, whole) = (model, options)
    for round in 1..<tuning.rounds {
      options.budget = tuning.budget(whole.budget, round)
      _ = try compress(&model, &options)
      _ = try tuned(&model, from: original, options)
      model = try recomposed(model, as: original)
      options = whole
    }
    let (result, tradeOff) = try compress(&model, &options)
    return (result, tradeOff, try tuned(&model, from: original, options))
  }

  private func tuned(
    _ model: inout ModelGraph, from original: ModelGraph, _ options: CompressionOptions
  ) throws -> TuneReport? {
    guard let images = tuning.tuneOn ?? calibration.calibrate else { return nil }
    return try tuning.tune(
      &model, from: original, images: images, calibration.preparation, isFitted: calibration.usesData,
      threads: options.threads)
  }

  private func recomposed(_ model: ModelGraph, as original: ModelGraph) throws -> ModelGraph {
    do throws(TuneError) { return try model.recomposed(as: original) } catch {
      throw error.inFile(model.path)
    }
  }

  var printsJSON: Bool { json == "-" }
  var jsonFile: String? { printsJSON ? nil : json }

  /// Factors the layers; under a budget the page is to show the trade-off too, from the same analysis.
  private func compress(
    _ model: inout ModelGraph, _ options: inout CompressionOptions
  ) throws -> (CompressionReport, TradeOff?) {
    let bar = ProgressBar()
    defer { bar.finish() }
    let show: @Sendable (Progress) -> Void = { bar.show($0) }
    let request = try request(options, for: model)
    do throws(TimingError) {
      guard request.hasBudget else { return (try model.compress(request, progress: show), nil) }
      var compression = try PreparedCompression(model, request, progress: show)
      let result = try compression.compress(&model, progress: show)
      options = compression.candidates.options
      return (result, report == nil ? nil : compression.candidates.tradeOff(points: 12))
    } catch { throw timing.placed(error) }
  }

  /// What is asked for, with data and times.
  func request(_ options: CompressionOptions, for model: ModelGraph) throws -> CompressionRequest {
    var request = CompressionRequest(options)
    if let samples = try calibration.samples(for: model, shapes: options.inputShapes) {
      request.calibrate(on: samples, of: model)
    }
    request.moments = try calibration.moments(of: model)
    request.minAgreement = calibration.minAgreement
    request.latency = try timing.latency(request.options)
    return request
  }

  private func writeReports(
    _ result: CompressionOutcome, _ tradeOff: TradeOff?, _ options: CompressionOptions,
    to outputs: inout OutputSet
  ) throws {
    if let jsonFile { try outputs.write(Data((try jsonText(result) + "\n").utf8), to: jsonFile) }
    guard let report else { return }
    let name = arguments.model.split(separator: "/").last.map(String.init) ?? arguments.model
    let page = HTMLReport(
      model: name, report: result.compression, options: options, tradeOff: tradeOff, origin: .thisRun)
    try outputs.write(Data(page.html.utf8), to: report)
  }

  private func loadSensitivities() throws -> [String: Double] {
    guard let sensitivities else { return [:] }
    let data = try FileReader.bytes(ofFile: sensitivities)
    do { return try JSONDecoder().decode([String: Double].self, from: data) } catch {
      throw FileError(
        path: sensitivities,
        reason: "this is no JSON object of layer names and numbers, e.g. {\"conv1\": 4.5}")
    }
  }

  func options(for model: ModelGraph) throws -> CompressionOptions {
    var options = try arguments.options(for: model)
    options.sensitivities = try loadSensitivities()
    options.budget = macs.map(Budget.multiplies) ?? params.map(Budget.weights)
    options.recordsSpectra = report != nil
    options.weights = weights
    return options
  }
}

extension WeightStorage: ExpressibleByArgument {}
