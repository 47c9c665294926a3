import ArgumentParser
import ModelGraph
import Network
import ONNX
import TensorFiles

/// What the commands that run a network have in common.
struct NetworkArguments: ParsableArguments {
  @Argument(help: "The ONNX model.", completion: .file(extensions: ["onnx"]))
  var model: String

  @Option(help: "Threads that share a run; results do not depend on them.") var threads = 1

  @Option(help: "Winograd forms: automatic, or off for sums that are steady to the bit.")
  var winograd = WinogradChoice.automatic

  @Option(
    name: .customLong("without"),
    help:
      "A pass over the network to leave out: \(NetworkPass.allCases.map(\.rawValue).joined(separator: ", ")). May be repeated.",
    transform: NetworkArguments.pass)
  var without: [NetworkPass] = []

  private static func pass(_ name: String) throws -> NetworkPass {
    guard let pass = NetworkPass(rawValue: name) else {
      throw ValidationError("there is no pass '\(name)'; lowrank bench model --help lists them")
    }
    return pass
  }

  func validate() throws { try requireThreads(threads) }

  /// The network; its external files are declared as inputs, and inner values `kept` can be asked for.
  ///
  /// **Throws** an error that names the model's file.
  func load(declaringTo outputs: inout OutputSet, keeping kept: [String] = []) throws -> Network {
    try Network.load(model, options: options, declaringTo: &outputs, keeping: kept)
  }

  private var options: NetworkOptions {
    NetworkOptions(threads: threads, winograd: winograd.option, disabledPasses: Set(without))
  }
}

extension Network {
  /// The network in a file; its external files are declared as inputs, and inner values `kept` can be asked for.
  ///
  /// **Throws** an error that names the file.
  static func load(
    _ path: String, options: NetworkOptions, declaringTo outputs: inout OutputSet, keeping kept: [String] = []
  ) throws -> Network {
    var model = try ModelGraph(onnx: path)
    for file in model.externalFiles { try outputs.add(input: file) }
    // As outputs of the model they outlive the passes.
    for name in kept where !model.main.outputs.contains(where: { $0.name == name }) {
      guard model.main.makes(name) else {
        throw FileError(
          path: path, reason: NetworkError.output(name: name, reason: "no node makes it").description)
      }
      model.main.outputs.append(ValueInfo(name: name))
    }
    do throws(NetworkError) { return try Network(model, options: options) } catch { throw error.inFile(path) }
  }
}

extension Graph {
  /// Whether a node makes a value of the name.
  fileprivate func makes(_ name: String) -> Bool {
    !name.isEmpty && nodes.contains { $0.outputs.contains(name) }
  }
}

extension NetworkError {
  /// The error as one of the model's file.
  func inFile(_ path: String) -> any Error {
    if case .model(let error) = self { return error }
    return FileError(path: path, reason: description)
  }
}
