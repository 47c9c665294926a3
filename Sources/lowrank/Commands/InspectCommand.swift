import ArgumentParser
import Compress
import ModelGraph
import Reports
import Tensors

/// `lowrank inspect`
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Shows what the layers of a model cost and what factoring them would save.")

  @OptionGroup var arguments: ModelArguments

  @Flag(
    help:
      "Time the layers instead: against what the machine can do, where forms break even, and what stands in the way."
  )
  var why = false

  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    var outputs = try OutputSet(reading: [arguments.model])
    let model = try arguments.loadModel(declaringTo: &outputs)
    let bar = ProgressBar()
    let show: @Sendable (Progress) -> Void = { bar.show($0) }
    if why {
      let inspection = try timed(model, show)
      bar.finish()
      try outputs.finish(printing: json ? try jsonText(inspection) : inspection.text)
      return
    }
    let report = try model.inspect(arguments.options(for: model), progress: show)
    bar.finish()
    try outputs.finish(printing: json ? try jsonText(report) : report.text(inputs: model.inputs))
  }
}

extension InspectCommand {
  /// The layers against the clock, on the threads of the options and on one thread beside.
  private func timed(
    _ model: ModelGraph, _ show: @escaping @Sendable (Progress) -> Void
  ) throws -> TimeInspection {
    let options = try arguments.options(for: model)
    let timer = try TimingRuntime.lowrank.timer(options, threads: options.threads)
    let alone = try TimingRuntime.lowrank.timer(options, threads: 1)
    let cache = TimesCache.users
    let inspection = try TimeInspection(model, options, timer, alone: alone, cache: cache, progress: show)
    cache.keep()
    return inspection
  }
}

extension InspectionReport {
  /// The report as a table for people: what a form is worth first, as a narrow terminal has no room for the last columns;
  /// `inputs` are the model's.
  fileprivate func text(inputs declared: [ValueInfo]) -> String {
    var table = Table([
      ("layer", .left), ("form", .left), ("error", .right), ("of weights", .right), ("of multiplies", .right),
      ("weights", .right), ("multiplies", .right), ("op", .left), ("kernel", .left),
      ("ranks for 80/90/95/99 % energy", .left),
    ])
    var reasons = KeptReasons()
    for layer in layers {
      let best = layer.reason == nil ? layer.forms.first : nil
      let ranks = layer.energyRanks.map { $0.ranks.map(String.init).joined(separator: ",") }
      table.add([
        shortened(layer.name), best.map(formText) ?? reasons.mark(layer.reason ?? "no form is smaller"),
        best.map { fixed($0.relativeError, 3) } ?? "",
        best.map { part($0.params, of: layer.params) } ?? "",
        best.flatMap { form in form.macs.flatMap { after in layer.macs.map { part(after, of: $0) } } } ?? "",
        grouped(layer.params), layer.macs.map(grouped) ?? "?", layer.op,
        kernelText(layer.kernelShape, layer.group), ranks.joined(separator: " / "),
      ])
    }
    let inputs = model.inputs.map { input in
      "\(input.name.onOneLine) [\(input.shape.map { $0.map { $0.map(String.init) ?? "?" }.joined(separator: ", ") } ?? "?")]"
    }
    let open = layers.contains { $0.macs == nil }
    let head = "opset \(model.opset), \(grouped(model.bytes)) bytes, input \(inputs.joined(separator: ", "))"
    let advice = open ? ["multiplies unknown where shapes are; give \(ValueInfo.shapeOption(declared))"] : []
    let sum = model.macs > 0 || !open ? ", \(grouped(model.macs)) multiplies" : ""
    let end = "\(layers.count) layers, \(grouped(model.params)) weights\(sum)"
    return ([head, "", table.text, ""] + reasons.lines + [end] + advice).joined(separator: "\n")
  }

  private func formText(_ form: Form) -> String {
    "\(form.method):\(form.ranks.map(String.init).joined(separator: ","))"
  }

  private func part(_ after: Int, of before: Int) -> String {
    percent(Double(after) / Double(max(1, before)))
  }
}
