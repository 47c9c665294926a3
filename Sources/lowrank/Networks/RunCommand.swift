import ArgumentParser
import ModelGraph
import Network
import Reports
import TensorFiles
import Tensors

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
    help:
      "An input, x.npy, an image, a folder of images, or NAME=one of these; without names in the model's order. May be repeated.",
    completion: .file(extensions: ["npy", "png", "jpg", "jpeg"]))
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

  @OptionGroup var preparation: ImageArguments

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
    let inputs = try InputFile.assigned(input, to: network.inputs, of: arguments.model)
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
    let end = outputFolder == nil ? ["nothing was written: -o FOLDER keeps the outputs"] : []
    return ((explanation ?? []) + [ValueSummary.table(rows)] + end).joined(separator: "\n")
  }

  /// The outputs, and when steps ended where a profile is asked for.
  private func results(
    _ network: Network, _ inputs: [(info: ValueInfo, path: String)], _ names: [String]
  ) throws -> ([String: NetworkTensor], StepTimes) {
    var tensors: [String: NetworkTensor] = [:]
    var images: (info: ValueInfo, source: ImageSource, path: String)?
    for (info, path) in inputs {
      if ImageSource.holdsImages(path) {
        guard images == nil else { throw FileError(path: path, reason: "images for a second input") }
        images = (info, try ImageSource(path, preparation), path)
      } else {
        tensors[info.name] = try NetworkTensor(contentsOf: path, for: info)
      }
    }
    if images == nil, let array = inputs.first { try preparation.requireNothing(for: array.path) }
    let session = network.makeSession()
    guard let images else { return try results(session, tensors, names) }
    var results: [String: [NetworkTensor]] = [:]
    var times = StepTimes([])
    for image in 0..<images.source.count {
      tensors[images.info.name] = try images.source.batch(
        [image], for: images.info, model: arguments.model)
      let made: [String: NetworkTensor]
      (made, times) = try self.results(session, tensors, names)
      results.merge(made.mapValues { [$0] }) { $0 + $1 }
    }
    var joined: [String: NetworkTensor] = [:]
    for (name, parts) in results {
      guard let whole = NetworkTensor(joining: parts) else {
        throw FileError(
          path: images.path,
          reason:
            "the output '\(name)' differs in shape from image to image: run them one by one, or give --resize"
        )
      }
      joined[name] = whole
    }
    return (joined, times)
  }

  private func results(
    _ session: Session, _ inputs: [String: NetworkTensor], _ names: [String]
  ) throws -> ([String: NetworkTensor], StepTimes) {
    do throws(NetworkError) {
      let run = try session.prepare(inputs, outputs: names)
      var times = StepTimes(run.steps)
      if profile != nil { try times.measure(run) }
      return (run.results(), times)
    } catch { throw error.inFile(arguments.model) }
  }
}

extension NetworkTensor {
  /// Tensors one behind the other along the first axis; nil where they differ in shape, or have no axis.
  fileprivate init?(joining parts: [NetworkTensor]) {
    guard let first = parts.first, parts.allSatisfy({ $0.shape == first.shape && $0.type == first.type })
    else {
      return nil
    }
    if parts.count == 1 {
      self = first
      return
    }
    guard first.shape.order > 0,
      let shape = Shape(checking: [first.shape[0] * parts.count] + first.shape.extents.dropFirst())
    else { return nil }
    if first.integers != nil {
      self.init(shape: shape, integers: parts.flatMap { $0.integers ?? [] }, type: first.type)
    } else {
      self.init(
        Tensor(shape: shape, elements: parts.flatMap { $0.floats?.elements ?? [] }), type: first.type)
    }
  }
}
