import TensorFiles
import Tensors

/// The file that a run which was stopped goes on from, to the same results: a safetensors file that is always whole.
struct Checkpoint {
  let path: String
  private let fingerprint: String
  private let names: [String]
  private let optimiser: Optimiser

  init(path: String, _ task: TuningTask) {
    self.path = path
    names = task.graph.parameters.map(\.name)
    optimiser = task.options.optimiser
    fingerprint = task.fingerprint
  }

  /// Writes the state; the file before it stays until the new one is whole.
  func write(_ state: TuningState) throws(TuneError) {
    var tensors: [String: SafetensorsFile.Entry] = [:]
    for name in names {
      tensors["weight/" + name] = state.weights[name].map { .init(.float($0)) }
      tensors["best/" + name] = state.best[name].map { .init(.float($0)) }
      guard let moments = state.moments[name] else { continue }
      tensors["first/" + name] = .init(.float(moments.first))
      tensors["second/" + name] = .init(.float(moments.second))
    }
    var metadata = ["fingerprint": fingerprint]
    for (key, value) in numbers(state) { metadata[key] = value }
    for (name, moments) in state.moments { metadata["steps/" + name] = String(moments.steps) }
    do throws(FileError) {
      try SafetensorsFile(tensors: tensors, metadata: metadata).write(to: path)
    } catch { throw .model(.file(error)) }
  }

  private func numbers(_ state: TuningState) -> [(String, String)] {
    func bits(_ value: Double) -> String { String(value.bitPattern, radix: 16) }
    return [
      ("step", String(state.step)), ("steps", String(state.steps)), ("blockSteps", String(state.blockSteps)),
      ("stall", String(state.stall)), ("startLoss", bits(state.startLoss)),
      ("bestLoss", bits(state.bestLoss)),
      ("caution", bits(state.caution)), ("trainingLoss", bits(state.trainingLoss)),
    ]
  }

  /// The state in the file; nil where there is none.
  ///
  /// **Throws** where the file is no checkpoint of this network with these images and options.
  func read() throws(TuneError) -> TuningState? {
    guard FileReader.isRegularFile(path) else { return nil }
    let file: SafetensorsFile
    do throws(FileError) { file = try SafetensorsFile(contentsOf: path) } catch { throw .model(.file(error)) }
    guard file.metadata["fingerprint"] == fingerprint else {
      throw .data(
        reason:
          "\(path) is the checkpoint of another network, or of other images or options: remove it to begin anew"
      )
    }
    func whole(_ key: String) -> Int? { file.metadata[key].flatMap { Int($0) } }
    func number(_ key: String) -> Double? {
      file.metadata[key].flatMap { UInt64($0, radix: 16) }.map { Double(bitPattern: $0) }
    }
    func tensors(_ kind: String) -> [String: Tensor<Float>] {
      var result: [String: Tensor<Float>] = [:]
      for name in names { result[name] = file.tensors[kind + name]?.tensor.converted() }
      return result
    }
    let (weights, best) = (tensors("weight/"), tensors("best/"))
    guard let step = whole("step"), let steps = whole("steps"), let blockSteps = whole("blockSteps"),
      let stall = whole("stall"), let startLoss = number("startLoss"), let bestLoss = number("bestLoss"),
      let caution = number("caution"), let trainingLoss = number("trainingLoss"),
      weights.count == names.count, best.count == names.count
    else { throw .data(reason: "\(path) is no whole checkpoint: remove it to begin anew") }
    var state = TuningState(weights: weights, loss: startLoss, blockSteps: blockSteps, steps: steps)
    (state.best, state.bestLoss, state.step, state.stall) = (best, bestLoss, step, stall)
    (state.caution, state.trainingLoss) = (caution, trainingLoss)
    let (first, second) = (tensors("first/"), tensors("second/"))
    for (name, values) in first {
      var moments = Moments(values.shape, optimiser)
      moments.first = values
      moments.second = second[name] ?? moments.second
      moments.steps = whole("steps/" + name) ?? 0
      state.moments[name] = moments
    }
    return state
  }
}

extension TuningTask {
  /// What a checkpoint must agree with: the options that the results depend on, the weights at the start, the images held back.
  var fingerprint: String {
    var hash = BitHash()
    for parameter in graph.parameters {
      hash.add(parameter.name)
      hash.add(parameter.start)
    }
    let options = options
    let text =
      "\(options.length) \(batch) \(options.accumulation) \(options.seed) \(options.optimiser) \(options.peakRate)"
      + " \(options.decay) \(options.temperature) \(options.heldBack) \(options.blockShare) \(options.patience) \(part)"
      + " \(processes) \(images.count) \(matches.outputs) \(labels.map { $0.hashText } ?? "")"
    hash.add(text)
    return String(hash.value, radix: 16)
  }
}

extension [Int] {
  fileprivate var hashText: String { map(String.init).joined(separator: ",") }
}
