import ArgumentParser
import Compress
import ModelGraph
import Reports

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `lowrank profile`
struct ProfileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile",
    abstract: "Times the layers of a model in the forms they could have, for compress --profile elsewhere.")

  @OptionGroup var arguments: ModelArguments

  @Option(name: [.short, .long], help: "The table to write.", completion: .file(extensions: ["json"]))
  var output: String

  @Option(help: "Whose milliseconds: lowrank, or onnxruntime where its library is installed.")
  var runtime = TimingRuntime.lowrank

  func run() throws {
    var outputs = try OutputSet(reading: [arguments.model], writing: [.init("-o", output)])
    let model = try arguments.loadModel(declaringTo: &outputs)
    let options = try arguments.options(for: model)
    let timer = try runtime.timer(options, threads: options.threads)
    let bar = ProgressBar()
    let table = try TimeTable(profiling: model, options, timer) {
      bar.show($0)
    }
    bar.finish()
    try outputs.write(Data((try jsonText(table) + "\n").utf8), to: output)
    let forms = table.layers.reduce(0) { $0 + $1.forms.count }
    try outputs.finish(
      printing:
        "\(table.layers.count) layers in \(forms) forms on \(table.machine), \(table.threads) thread(s);"
        + " the network takes \(millisecondsText(table.networkMs))\n\(output) written")
  }
}
