import Conv
import ModelGraph
import Network
import Synchronization
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

  /// What a piece takes and some samples have.
  func inputs(
    of piece: CalibrationPiece, samples: some Sequence<Int>
  ) throws(CompressError) -> [[String: NetworkTensor]] {
    var inputs: [[String: NetworkTensor]] = []
    for sample in samples {
      var given: [String: NetworkTensor] = [:]
      for name in piece.inputs { given[name] = try value(name, sample: sample) }
      inputs.append(given)
    }
    return inputs
  }

  /// Runs a piece on some samples side by side, and keeps of all values those that are `needed` later.
  ///
  /// The result holds what the piece makes, sample by sample.
  mutating func advance(
    _ samples: some Sequence<Int>, through piece: CalibrationPiece, keeping needed: Set<String>
  ) throws(CompressError) -> [[String: NetworkTensor]] {
    let made = try piece.run(inputs(of: piece, samples: samples))
    for (sample, made) in zip(samples, made) { try keep(made, of: sample, needed) }
    return made
  }

  /// What the rest of a network makes of some samples where a layer's `response` is `changed`; that is among the answers itself, as
  /// one may be an output of the network.
  func answers(
    of rest: CalibrationPiece, samples: some Sequence<Int>, with changed: [NetworkTensor?],
    as response: String
  ) throws(CompressError) -> [[String: NetworkTensor]] {
    var inputs = try inputs(of: rest, samples: samples)
    for place in inputs.indices where rest.inputs.contains(response) {
      inputs[place][response] = changed[place]
    }
    var made = try rest.run(inputs)
    for place in made.indices { made[place][response] = changed[place] }
    return made
  }

  /// Keeps those values of a sample, and of what a piece made of them, that are `needed` later.
  mutating func keep(
    _ made: [String: NetworkTensor], of sample: Int, _ needed: Set<String>
  ) throws(CompressError) {
    for (name, stored) in values[sample] where !needed.contains(name) {
      store.release(stored)
      values[sample][name] = nil
    }
    for (name, tensor) in made where needed.contains(name) {
      let store = store
      values[sample][name] = try file { () throws(FileError) in try store.store(tensor) }
    }
  }

  private func file<R>(_ body: () throws(FileError) -> R) throws(CompressError) -> R {
    do throws(FileError) { return try body() } catch { throw .model(.file(error)) }
  }
}

/// Some nodes of a network, ready to run on several samples side by side, each on a thread of its own: so copies and the
/// system's share of a run take all threads too, not the products alone.
struct CalibrationPiece: Sendable {
  let inputs: [String]
  let outputs: [String]
  private let lanes: [Lane]
  private let path: String

  /// What one sample at a time runs in.
  private final class Lane: Sendable {
    let session: Mutex<Session>
    init(_ network: Network) { session = Mutex(network.makeSession()) }
  }

  /// A piece of a model; one without nodes makes nothing.
  ///
  /// **Throws** where the network cannot be run here.
  init(_ model: ModelGraph, threads: Int) throws(CompressError) {
    path = model.path
    inputs = model.main.inputs.map(\.name)
    outputs = model.main.outputs.map(\.name)
    guard !model.main.nodes.isEmpty, !outputs.isEmpty else {
      lanes = []
      return
    }
    do throws(NetworkError) {
      let network = try Network(model, options: NetworkOptions(threads: 1))
      lanes = (0..<max(1, threads)).map { _ in Lane(network) }
    } catch { throw .network(error, path) }
  }

  /// What the piece makes, sample by sample; the same whatever the threads.
  func run(_ given: [[String: NetworkTensor]]) throws(CompressError) -> [[String: NetworkTensor]] {
    guard !lanes.isEmpty else { return given.map { _ in [:] } }
    let free = Mutex(Array(lanes.indices))
    do throws(NetworkError) {
      return try inParallel(given.count, threads: lanes.count, into: [[String: NetworkTensor]]()) {
        place throws(NetworkError) in
        // There is a lane for each thread.
        let lane = free.withLock { $0.popLast() } ?? 0
        defer { free.withLock { $0.append(lane) } }
        return try lanes[lane].session.withLock { session throws(NetworkError) in
          try session.run(given[place], outputs: outputs)
        }
      } collect: {
        $0.append($1)
      }
    } catch { throw .network(error, path) }
  }
}

extension CompressError {
  /// A fault of a network that is run for calibration.
  static func network(_ error: NetworkError, _ path: String) -> CompressError {
    switch error {
    case .model(let error): .model(error)
    case .input: .option(name: "calibrate", reason: error.description)
    case .node:
      .model(
        .model(
          path: path,
          reason:
            "it cannot be run on these inputs: \(error.description); images of another size may do, with --resize WxH"
        ))
    default: .model(.model(path: path, reason: "it cannot be run for calibration: \(error.description)"))
    }
  }
}
