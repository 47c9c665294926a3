import ModelGraph
import Network
import TensorFiles

/// A network, original or compressed, on its way through every sample: the values that later nodes take, by sample.
struct CalibrationTrack {
  private let store: ValueStore
  private let path: String
  private var values: [[String: ValueStore.Stored]] = []

  /// The track at the network's inputs.
  init(_ samples: CalibrationSamples, path: String, store: ValueStore) throws(CompressError) {
    self.store = store
    self.path = path
    for inputs in samples.inputs {
      var stored: [String: ValueStore.Stored] = [:]
      for (name, tensor) in inputs {
        stored[name] = try file { () throws(FileError) in try store.store(tensor) }
      }
      values.append(stored)
    }
  }

  /// A value of a sample; nil where it was not computed or is needed no more.
  func value(_ name: String, sample: Int) throws(CompressError) -> NetworkTensor? {
    guard let stored = values[sample][name] else { return nil }
    return try file { () throws(FileError) in try store.value(stored) }
  }

  /// What a piece takes and a sample has.
  func inputs(of piece: CalibrationPiece, sample: Int) throws(CompressError) -> [String: NetworkTensor] {
    var inputs: [String: NetworkTensor] = [:]
    for name in piece.inputs { inputs[name] = try value(name, sample: sample) }
    return inputs
  }

  /// Runs a piece on a sample, and keeps of all values those that are `needed` later.
  ///
  /// The result holds what the piece makes.
  mutating func advance(
    sample: Int, through piece: CalibrationPiece, keeping needed: Set<String>
  ) throws(CompressError) -> [String: NetworkTensor] {
    let made = try piece.run(inputs(of: piece, sample: sample))
    for (name, stored) in values[sample] where !needed.contains(name) {
      store.release(stored)
      values[sample][name] = nil
    }
    for (name, tensor) in made where needed.contains(name) {
      let store = store
      values[sample][name] = try file { () throws(FileError) in try store.store(tensor) }
    }
    return made
  }

  private func file<R>(_ body: () throws(FileError) -> R) throws(CompressError) -> R {
    do throws(FileError) { return try body() } catch { throw .model(.file(error)) }
  }
}

/// Some nodes of a network, ready to run.
struct CalibrationPiece {
  let inputs: [String]
  let outputs: [String]
  private let session: Session?
  private let path: String

  /// A piece of a model; one without nodes makes nothing.
  ///
  /// **Throws** where the network cannot be run here.
  init(_ model: ModelGraph, threads: Int) throws(CompressError) {
    path = model.path
    inputs = model.main.inputs.map(\.name)
    outputs = model.main.outputs.map(\.name)
    guard !model.main.nodes.isEmpty, !outputs.isEmpty else {
      session = nil
      return
    }
    do throws(NetworkError) {
      session = try Network(model, options: NetworkOptions(threads: threads)).makeSession()
    } catch { throw .network(error, path) }
  }

  func run(_ given: [String: NetworkTensor]) throws(CompressError) -> [String: NetworkTensor] {
    guard let session else { return [:] }
    do throws(NetworkError) { return try session.run(given, outputs: outputs) } catch {
      throw .network(error, path)
    }
  }
}

extension CompressError {
  /// A fault of a network that is run for calibration.
  static func network(_ error: NetworkError, _ path: String) -> CompressError {
    switch error {
    case .model(let error): .model(error)
    case .input: .option(name: "calibrate", reason: error.description)
    default: .model(.model(path: path, reason: "it cannot be run for calibration: \(error.description)"))
    }
  }
}
