import ArgumentParser
import ModelGraph
import ONNX
import Reports
import TensorFiles
import Tune

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `lowrank tune`
struct TuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune",
    abstract: "Brings a compressed network's outputs nearer to the original's, on images without labels.",
    discussion: """
      The structure of the model stays as it is, down to the last byte but for its weights. A part of the images is held \
      back, and the weights that do best on it are written; where none does better than those at the start, the model is \
      written as it was. Ctrl-C ends with the best so far.
      """)

  @Argument(help: "The compressed ONNX model.", completion: .file(extensions: ["onnx"]))
  var model: String

  @Option(help: "The original model, whose outputs are aimed at.", completion: .file(extensions: ["onnx"]))
  var teacher: String

  @Option(help: "The images: x.npy with an image for each row, or a folder of PNG and JPEG files.")
  var images: String

  @Option(name: [.short, .long], help: "The model to write.", completion: .file(extensions: ["onnx"]))
  var output: String

  @Option(
    help: "The number of each image's class, integers: for classes, what a label says counts too.",
    completion: .file(extensions: ["npy"]))
  var labels: String?

  @OptionGroup var training: TuneArguments

  @OptionGroup var looks: LookArguments

  @OptionGroup var preparation: ImageArguments

  @Option(
    defaultAsFlag: "-", help: "Print the result and its curve as JSON, or write it to a file of this name.",
    completion: .file(extensions: ["json"]))
  var json: String?

  func run() throws { try run(in: nil) }

  /// Tunes, together with other processes where there are any: the first of them writes the files.
  func run(in group: (any TuningGroup)?) throws {
    let isFirst = group?.rank ?? 0 == 0
    var outputs = try OutputSet(
      reading: [model, teacher, images] + [labels].compactMap { $0 }, writing: isFirst ? written : [],
      reserving: isFirst ? [.init("-o", ModelGraph.externalDataPath(of: output))] : [])
    let prepared = Result { try prepare(declaringTo: &outputs, group) }
    try group?.requireSuccess(of: prepared)
    var (small, tuner, looks) = try prepared.get()
    let report: TuneReport
    do throws(TuneError) {
      report = try TuneReport.ofRun(tuner, on: &small, looks: looks, prints: isFirst)
    } catch { throw error.inFile(model) }
    guard isFirst else { return }
    _ = try small.saveONNX(to: output, in: &outputs.files)
    if let json, json != "-" { try outputs.write(Data((try jsonText(report) + "\n").utf8), to: json) }
    if let checkpoint = training.checkpoint {
      outputs.files.whenCommitted { try? FileManager.default.removeItem(atPath: checkpoint) }
    }
    try outputs.finish(printing: json == "-" ? try jsonText(report) : "\(report.text)\n\(output) written")
  }

  private var written: [OutputSet.Output] {
    [
      .init("-o", output), .init("--json", json == "-" ? nil : json),
      .init("--checkpoint", training.checkpoint),
    ]
  }

  /// Reads all that is given: the network, what tunes it, and how it looks at images.
  private func prepare(
    declaringTo outputs: inout OutputSet, _ group: (any TuningGroup)?
  ) throws -> (ModelGraph, Tuner, String) {
    let small = try ModelGraph(onnx: model)
    let dense = try ModelGraph(onnx: teacher)
    for file in small.externalFiles + dense.externalFiles { try outputs.add(input: file) }
    let source = try ImageSource(images, preparation)
    let classes = try labels.map { try readClasses($0, count: source.count) }
    let pool = try ImagePool(source, for: small, looks: looks, limit: training.memoryLimit)
    var options = training.options
    options.group = group
    do throws(TuneError) {
      let tuner = try Tuner(
        small, teacher: dense, images: pool, labels: classes, loss: training.loss, options: options)
      return (small, tuner, pool.text)
    } catch { throw error.inFile(model) }
  }

  /// One class an image.
  private func readClasses(_ path: String, count: Int) throws(FileError) -> [Int] {
    guard case .integers(let labels, _, _) = try NPYArray(contentsOf: path) else {
      throw FileError(path: path, reason: "labels are integers; convert with numpy.astype('<i8')")
    }
    guard labels.count == count else {
      throw FileError(path: path, reason: "\(labels.count) labels for \(count) images")
    }
    return labels
  }
}

extension TuningGroup {
  /// Sees to it that all processes have come so far, or none goes on.
  ///
  /// **Throws** `FailureElsewhere` where another one has failed; of several that have, the first by rank tells why.
  fileprivate func requireSuccess<Value>(of result: Result<Value, any Error>) throws {
    var failures = [Double](repeating: 0, count: count)
    if case .failure = result { failures[rank] = 1 }
    try sum(&failures)
    if let first = failures.firstIndex(where: { $0 > 0 }), first != rank { throw FailureElsewhere() }
  }
}
