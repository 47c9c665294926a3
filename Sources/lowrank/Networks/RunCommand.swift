import ArgumentParser
import ModelGraph
import Network
import Reports
import TensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `lowrank run`
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs a network and writes its outputs as .npy files.")

  @OptionGroup var arguments: NetworkArguments

  @Option(
    name: [.short, .customLong("input")],
    help: "An input, x.npy or NAME=x.npy; without names in the model's order. May be repeated.",
    completion: .file(extensions: ["npy"]))
  var input: [InputFile] = []

  @Option(
    name: [.customShort("o"), .long],
    help: "The folder for the outputs, one .npy each, named after it; made where it is not there.",
    completion: .directory)
  var outputFolder: String?

  @Option(
    name: .customLong("output"),
    help: "A value to give instead of the model's outputs, any inner one too. May be repeated.")
  var wanted: [String] = []

  @Option(help: "Write a profile for chrome://tracing or Perfetto.", completion: .file(extensions: ["json"]))
  var profile: String?

  @Flag(help: "Print what the passes did and how each step runs.") var explain = false

  @Flag(help: "Print JSON.") var json = false

  /// What is printed; the field names are the JSON's.
  struct Report: Encodable {
    let outputs: [ValueSummary]
    let explanation: [String]?
  }

  func validate() throws {
    guard Set(wanted).count == wanted.count else {
      throw ValidationError("--output is given twice for one value.")
    }
  }

  func run() throws {
    var outputs = try OutputSet(reading: [arguments.model], writing: [.init("--profile", profile)])
    let network = try arguments.load(declaringTo: &outputs, keeping: wanted)
    let names = wanted.isEmpty ? network.outputs.map(\.name) : wanted
    let inputs = try InputFile.assigned(input, to: network.inputs)
    for input in inputs { try outputs.add(input: input.path) }
    var folder = try outputFolder.map { path throws(FileError) in try OutputFolder(path) }
    let files = try folder?.files(of: names) ?? []
    for file in files { try outputs.add(output: file, title: "-o \(file)") }
    let (results, steps) = try results(network, inputs, names)
    var rows: [ValueSummary] = []
    for (place, name) in names.enumerated() {
      guard let result = results[name] else { continue }
      let file = place < files.count ? files[place] : nil
      rows.append(ValueSummary(name, result, file: file))
      if let file { try outputs.write(result.array.data(), to: file) }
    }
    if let profile { try outputs.write(Data(try steps.trace().utf8), to: profile) }
    let words = explain ? explanation(network, steps.steps) : nil
    let text = json ? try jsonText(Report(outputs: rows, explanation: words)) : self.text(rows, words)
    try outputs.finish(printing: text)
    folder?.keep()
  }

  private func text(_ rows: [ValueSummary], _ explanation: [String]?) -> String {
    ((explanation ?? []) + [ValueSummary.table(rows)]).joined(separator: "\n")
  }

  /// The outputs, and when steps ended where a profile is asked for.
  private func results(
    _ network: Network, _ inputs: [(info: ValueInfo, path: String)], _ names: [String]
  ) throws -> ([String: NetworkTensor], StepTimes) {
    var tensors: [String: NetworkTensor] = [:]
    for (info, path) in inputs { tensors[info.name] = try NetworkTensor(contentsOf: path, for: info) }
    do throws(NetworkError) {
      let run = try network.makeSession().prepare(tensors, outputs: names)
      var times = StepTimes(run.steps)
      if profile != nil { try times.measure(run) }
      return (run.results(), times)
    } catch { throw error.inFile(arguments.model) }
  }
}
