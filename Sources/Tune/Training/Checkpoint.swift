#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
import TensorFiles
import Tensors

/// The file that a run which was stopped goes on from, to the same results: a safetensors file that is always whole.
struct Checkpoint {
  let path: String
  private let fingerprint: String
  private let shapes: [String: Shape]
  private let optimiser: Optimiser

  init(path: String, _ task: TuningTask) {
    self.path = path
    shapes = task.graph.parameters.reduce(into: [:]) { $0[$1.name] = $1.start.shape }
    optimiser = task.options.optimiser
    fingerprint = task.fingerprint
  }

  /// Writes the state; the file before it stays until the new one is whole.
  func write(_ state: TuningState) throws(TuneError) {
    do throws(FileError) { try state.file(fingerprint: fingerprint).write(to: path) } catch {
      throw .model(.file(error))
    }
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
    guard let state = TuningState(file, shapes: shapes, optimiser) else {
      throw .data(reason: "\(path) is no whole checkpoint: remove it to begin anew")
    }
    return state
  }
}

extension TuningState {
  /// The checkpoint's file.
  func file(fingerprint: String) -> SafetensorsFile {
    var tensors: [String: SafetensorsFile.Entry] = [:]
    for (name, weight) in weights { tensors["weight/" + name] = .init(.float(weight)) }
    for (name, weight) in best { tensors["best/" + name] = .init(.float(weight)) }
    var metadata = ["fingerprint": fingerprint]
    for (name, moments) in moments {
      tensors["first/" + name] = .init(.float(moments.first))
      tensors["second/" + name] = .init(.float(moments.second))
      metadata["steps/" + name] = String(moments.steps)
    }
    for (key, value) in [("step", step), ("steps", steps), ("blockSteps", blockSteps), ("stall", stall)] {
      metadata[key] = String(value)
    }
    let numbers = [
      ("startLoss", startLoss), ("bestLoss", bestLoss), ("caution", caution), ("trainingLoss", trainingLoss),
    ]
    for (key, value) in numbers { metadata[key] = String(value.bitPattern, radix: 16) }
    return SafetensorsFile(tensors: tensors, metadata: metadata)
  }

  /// The state that a checkpoint's file holds of weights of these shapes; nil where anything is missing, of another shape or
  /// no such number.
  init?(_ file: SafetensorsFile, shapes: [String: Shape], _ optimiser: Optimiser) {
    func whole(_ key: String, _ range: ClosedRange<Int>) -> Int? {
      file.metadata[key].flatMap { Int($0) }.flatMap { range.contains($0) ? $0 : nil }
    }
    func number(_ key: String) -> Double? {
      file.metadata[key].flatMap { UInt64($0, radix: 16) }.map { Double(bitPattern: $0) }
    }
    func tensor(_ name: String, _ shape: Shape) -> Tensor<Float>? {
      file.tensors[name].flatMap { $0.tensor.shape == shape ? $0.tensor.converted() : nil }
    }
    guard let steps = whole("steps", 1...Self.mostSteps), let step = whole("step", 0...steps),
      let blockSteps = whole("blockSteps", 0...steps), let stall = whole("stall", 0...steps),
      let startLoss = number("startLoss"), startLoss.isFinite,
      let bestLoss = number("bestLoss"), bestLoss <= startLoss,
      let caution = number("caution"), (0...1).contains(caution), let trainingLoss = number("trainingLoss")
    else { return nil }
    self.init(weights: [:], loss: startLoss, blockSteps: blockSteps, steps: steps)
    (self.bestLoss, self.step, self.stall) = (bestLoss, step, stall)
    (self.caution, self.trainingLoss) = (caution, trainingLoss)
    for (name, shape) in shapes {
      guard let weight = tensor("weight/" + name, shape), let least = tensor("best/" + name, shape),
        least.isFinite
      else { return nil }
      (weights[name], best[name]) = (weight, least)
      guard file.tensors["first/" + name] != nil else { continue }
      var moments = Moments(shape, optimiser)
      guard let first = tensor("first/" + name, shape),
        let second = tensor("second/" + name, moments.second.shape),
        let count = whole("steps/" + name, 0...step)
      else { return nil }
      (moments.first, moments.second, moments.steps) = (first, second, count)
      self.moments[name] = moments
    }
  }

  /// The state in the bytes of a checkpoint of such weights, and nil as above: for what gives it broken ones (Tests/Fuzzing).
  ///
  /// **Throws** where the bytes are no file of tensors.
  package init?(bytes: [UInt8], path: String, shapes: [String: [Int]], _ optimiser: Optimiser) throws {
    self.init(
      try SafetensorsFile(data: Data(bytes), path: path), shapes: shapes.mapValues { Shape($0) }, optimiser)
  }

  /// The bytes of a checkpoint without a fingerprint.
  package var bytes: [UInt8] { Array(file(fingerprint: "").data) }

  /// So many that products with the images of a step stay far from an integer's range.
  private static var mostSteps: Int { 1 << 31 }
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
      + " \(processes) \(images.count) \(terms[.whole] ?? []) \(labels.map { $0.hashText } ?? "")"
    hash.add(text)
    return String(hash.value, radix: 16)
  }
}

extension [Int] {
  fileprivate var hashText: String { map(String.init).joined(separator: ",") }
}
