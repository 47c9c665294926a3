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
    let show: @Sendable (Progress) -> Void = { progress in
      bar.show(progress)
    }
    if why {
      let inspection = try timed(model, show)
      bar.finish()
      try outputs.finish(printing: json ? try jsonText(inspection) : inspection.text)
      return
    }
    let report = try model.inspect(arguments.options(for: model), progress: show)
    bar.finish()
    try outputs.finish(printing: json ? try jsonText(report) : report.text)
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
    try cache.save()
    return inspection
  }
}

extension InspectionReport {
  /// The report as a table for people.
  fileprivate var text: String {
    var table = Table([
      ("layer", .left), ("op", .left), ("kernel", .left), ("weights", .right), ("multiplies", .right),
      ("ranks for 80/90/95/99 % energy", .left), ("form", .left), ("error", .right),
      ("saves, or why kept", .left),
    ])
    for layer in layers {
      let best = layer.reason == nil ? layer.forms.first : nil
      let ranks = layer.energyRanks.map { $0.ranks.map(String.init).joined(separator: ",") }
      let saving = best.map { form in saved(layer, form) }
      table.add([
        shortened(layer.name), layer.op, kernelText(layer.kernelShape, layer.group), grouped(layer.params),
        layer.macs.map(grouped) ?? "?", ranks.joined(separator: " / "), best.map(formText) ?? "keep",
        best.map { fixed($0.relativeError, 3) } ?? "", saving ?? layer.reason ?? "",
      ])
    }
    let inputs = model.inputs.map { input in
      "\(input.name.onOneLine) [\(input.shape.map { $0.map { $0.map(String.init) ?? "?" }.joined(separator: ", ") } ?? "?")]"
    }
    let open = layers.contains { $0.macs == nil }
    return [
      "opset \(model.opset), \(grouped(model.bytes)) bytes, input \(inputs.joined(separator: ", "))", "",
      table.text,
      "",
      "\(layers.count) layers, \(grouped(model.params)) weights, \(grouped(model.macs)) multiplies"
        + (open ? " where the shapes are known; give --input-shape NAME=... for the rest" : ""),
    ].joined(separator: "\n")
  }

  private func formText(_ form: Form) -> String {
    "\(form.method):\(form.ranks.map(String.init).joined(separator: ","))"
  }

  private func saved(_ layer: Layer, _ form: Form) -> String {
    let weights = percent(1 - Double(form.params) / Double(max(1, layer.params)))
    guard let before = layer.macs, let after = form.macs else { return "\(weights) of weights" }
    return "\(weights) of weights, \(percent(1 - Double(after) / Double(max(1, before)))) of multiplies"
  }
}
