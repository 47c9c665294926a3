import ModelGraph
import Reports
import Tune

/// What tuning came to; the field names are the JSON's.
struct TuneReport: Encodable {
  /// A value and its teacher's.
  struct Output: Encodable {
    let value: String
    let teacher: String
    let loss: String
  }

  /// An evaluation.
  struct Point: Encodable {
    let step: Int
    let seconds: Double
    let isBlockwise: Bool
    let rate: Double
    let trainingLoss: Double
    let heldBackLoss: Double?
  }

  let outputs: [Output]
  let blocks: [String]
  let hints: [String]
  let weights: Int
  let images: Int
  let heldBack: Int
  let looks: String
  private(set) var curve: [Point] = []
  private(set) var startLoss = 0.0
  private(set) var bestLoss = 0.0
  private(set) var steps = 0
  private(set) var changedWeights = 0
  private(set) var end = ""
  private(set) var secondsOfStep = 0.0

  init(_ tuner: Tuner, looks: String) {
    outputs = tuner.outputs.map { Output(value: $0.value, teacher: $0.teacher, loss: $0.loss.rawValue) }
    blocks = tuner.blocks.map(\.value)
    hints = tuner.hints.map(\.value)
    weights = tuner.parameters.reduce(0) { $0 + $1.start.count }
    (images, heldBack) = tuner.imageCounts
    self.looks = looks
  }

  mutating func add(_ progress: TuningProgress) {
    curve.append(
      Point(
        step: progress.step, seconds: progress.seconds, isBlockwise: progress.isBlockwise,
        rate: progress.rate,
        trainingLoss: progress.trainingLoss.isFinite ? progress.trainingLoss : .greatestFiniteMagnitude,
        heldBackLoss: progress.heldBackLoss.isFinite ? progress.heldBackLoss : nil))
  }

  /// Takes note of the result, and puts the weights into the model.
  mutating func finish(_ result: TuningResult, of model: inout ModelGraph) {
    (startLoss, bestLoss, steps) = (result.startLoss, result.bestLoss, result.steps)
    (end, secondsOfStep) = (result.end.rawValue, result.secondsOfStep)
    changedWeights = result.weights.count
    model.setWeights(result.weights)
  }

  /// What will be done, in words.
  var plan: String {
    let outputs = outputs.map { "'\($0.value)' by \($0.loss)" }.joined(separator: ", ")
    let blocks = blocks.isEmpty ? "no blocks first" : "\(blocks.count) blocks first"
    let hints = hints.isEmpty ? "" : "; \(hints.count) hints"
    return
      "\(grouped(weights)) weights, \(images) images and \(heldBack) held back (\(looks)); \(blocks); outputs: \(outputs)\(hints)"
  }

  /// The result for people.
  var text: String {
    let part = startLoss > 0 ? " (\(fixed(100 * bestLoss / startLoss, 1)) %)" : ""
    let kept = changedWeights == 0 ? "; nothing did better than the weights at the start" : ""
    return
      "loss of the images held back: \(significant(startLoss)) -> \(significant(bestLoss))\(part), \(steps) steps of \(fixed(1000 * secondsOfStep, 1)) ms, \(end)\(kept)"
  }
}

extension TuningProgress {
  /// The progress as a line.
  var line: String {
    let phase = isBlockwise ? "blocks" : "whole"
    return
      "\(fixed(seconds, 1)) s  step \(step)/\(steps)  \(phase)  rate \(significant(rate))  loss \(significant(trainingLoss))  held back \(significant(heldBackLoss))  best \(significant(bestLoss)) of \(significant(startLoss))"
  }
}
