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

/// `lowrank bench model`
struct BenchModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Times a network on random inputs.")

  @OptionGroup var arguments: NetworkArguments

  @Option(
    name: .customLong("input-shape"),
    help:
      "The shape of an input that the model leaves open, 1,3,224,224 or NAME=1,3,224,224. May be repeated.")
  var inputShapes: [InputShapeArgument] = []

  @Option(help: "Timed runs. (default: as many as fit into a second, at least five)") var reps: Int?

  @Flag(help: "Time every layer.") var layers = false

  @Option(help: "Write a profile for chrome://tracing or Perfetto.", completion: .file(extensions: ["json"]))
  var profile: String?

  @Flag(help: "Print what the passes did and how each step runs.") var explain = false

  @Flag(help: "Print JSON.") var json = false

  /// What is printed; the field names are the JSON's.
  struct Report: Encodable {
    let minMs: Double
    let medianMs: Double
    let threads: Int
    let arenaBytes: Int
    let weightBytes: Int
    let peakBytes: Int
    let layers: [LayerTime]?
    let explanation: [String]?
  }

  func validate() throws {
    guard reps.map({ (1...1_000_000).contains($0) }) ?? true else {
      throw ValidationError("--reps lies between 1 and 1000000.")
    }
  }

  func run() throws {
    var outputs = try OutputSet(reading: [arguments.model], writing: [.init("--profile", profile)])
    let network = try arguments.load(declaringTo: &outputs)
    let shapes = try InputShapeArgument.assigned(inputShapes, to: network.inputs, of: arguments.model)
    let inputs = randomInputs(network, shapes)
    let benchmark: NetworkBenchmark
    do throws(NetworkError) {
      benchmark = try NetworkBenchmark(
        network, inputs, repetitions: reps, timesLayers: layers || profile != nil)
    } catch { throw error.inFile(arguments.model) }
    if let profile, let times = benchmark.steps {
      try outputs.write(Data(try times.trace().utf8), to: profile)
    }
    let report = report(network, benchmark)
    try outputs.finish(printing: json ? try jsonText(report) : text(report))
  }

  private func report(_ network: Network, _ benchmark: NetworkBenchmark) -> Report {
    Report(
      minMs: benchmark.minMs, medianMs: benchmark.medianMs, threads: arguments.threads,
      arenaBytes: benchmark.arenaBytes, weightBytes: network.weightByteCount, peakBytes: ProcessMemory.peak,
      layers: layers ? benchmark.steps?.layers : nil,
      explanation: explain ? explanation(network, benchmark.descriptions) : nil)
  }

  private func text(_ report: Report) -> String {
    var lines = report.explanation ?? []
    if let layers = report.layers { lines += [LayerTime.table(layers), ""] }
    lines += [
      "median \(fixed(report.medianMs, 3)) ms, least \(fixed(report.minMs, 3)) ms, \(report.threads) thread(s)",
      "\(grouped(report.weightBytes)) bytes of weights, \(grouped(report.arenaBytes)) of values,"
        + " \(grouped(report.peakBytes)) at most in all",
    ]
    return lines.joined(separator: "\n")
  }

  /// Inputs of these shapes: floats from -1 to 1, ones for integers, which any table has that they may be looked up in.
  private func randomInputs(_ network: Network, _ shapes: [String: Shape]) -> [String: NetworkTensor] {
    var generator = SeededGenerator(seed: 1)
    var inputs: [String: NetworkTensor] = [:]
    for info in network.inputs {
      let (shape, type) = (shapes[info.name] ?? [], info.dataType ?? .float32)
      if IntegerType(type) == nil {
        inputs[info.name] = NetworkTensor(generator.tensor(shape), type: type)
      } else {
        inputs[info.name] = NetworkTensor(
          shape: shape, integers: [Int](repeating: 1, count: shape.count), type: type)
      }
    }
    return inputs
  }
}
