import ArgumentParser
import Compress
import ONNX
import TensorCore

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
  var output: String

  @Option(
    defaultAsFlag: "-",
    help: "Print the report as JSON, or write it to a file of this name.",
    completion: .file(extensions: ["json"]))
  var json: String?

  func run() throws {
    let clock = ContinuousClock()
    let start = clock.now
    try AtomicFile.requireWritable(output)
    if let json, json != "-" { try AtomicFile.requireWritable(json) }
    var model = try ONNXModel(contentsOf: arguments.model)
    let bar = ProgressBar()
    var report = try model.compress(arguments.options) { progress in
      bar.show(done: progress.done, of: progress.total, label: progress.layer)
    }
    bar.finish()
    report.model.bytesAfter = try model.save(to: output)
    report.elapsedSeconds = (clock.now - start).seconds
    guard json != "-" else { return try printJSON(report) }
    if let json { try AtomicFile.write(Data((try jsonText(report) + "\n").utf8), to: json) }
    print(report.text)
    print("\(output) written in \(fixed(report.elapsedSeconds, 2)) s")
  }
}

extension CompressionReport {
  /// The report as a table for people.
  fileprivate var text: String {
    var table = Table([
      ("layer", .left), ("op", .left), ("kernel", .left), ("form", .left), ("error", .right),
      ("weights", .right),
      ("to", .right), ("multiplies", .right), ("to", .right), ("why kept", .left),
    ])
    for layer in layers {
      let isKept = layer.reason != nil
      let form = isKept ? "keep" : "\(layer.method):\(layer.ranks.map(String.init).joined(separator: ","))"
      table.add([
        shortened(layer.name), layer.op, kernelText(layer.kernelShape, layer.group), form,
        isKept ? "" : fixed(layer.relativeError, 4), grouped(layer.paramsBefore),
        isKept ? "" : grouped(layer.paramsAfter), layer.macsBefore.map(grouped) ?? "?",
        isKept ? "" : layer.macsAfter.map(grouped) ?? "?", layer.reason ?? "",
      ])
    }
    let factored = layers.filter { $0.reason == nil }.count
    var lines = [table.text, "", "\(factored) of \(layers.count) layers factored"]
    for (what, before, after) in [
      ("weights", model.paramsBefore, model.paramsAfter), ("multiplies", model.macsBefore, model.macsAfter),
      ("bytes", model.bytesBefore, model.bytesAfter),
    ] {
      let part = before > 0 ? " (\(percent(Double(after) / Double(before))))" : ""
      lines.append("\(what): \(grouped(before)) -> \(grouped(after))\(part)")
    }
    if layers.contains(where: { $0.macsBefore == nil }) {
      lines.append(
        "multiplies only of layers whose shapes are known; give --input-shape NAME=... for the rest")
    }
    return lines.joined(separator: "\n")
  }
}
