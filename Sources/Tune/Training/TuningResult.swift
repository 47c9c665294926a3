import Gradients
public import Tensors

/// How far tuning has come.
public struct TuningProgress: Sendable {
  /// The steps done, and those planned.
  public let step: Int
  /// The steps planned.
  public let steps: Int
  /// Whether blocks learn by themselves.
  public let isBlockwise: Bool
  /// The mean loss of the last steps: of the blocks, or of the outputs.
  public let trainingLoss: Double
  /// The loss of the outputs for the images held back; infinite where a step blew up.
  public let heldBackLoss: Double
  /// The least of them so far.
  public let bestLoss: Double
  /// That at the start.
  public let startLoss: Double
  /// The learning rate of the last step.
  public let rate: Double
  /// The time since the run began.
  public let seconds: Double

  init(_ state: TuningState, heldBackLoss: Double, rate: Double, seconds: Double) {
    (step, steps, isBlockwise) = (state.step, state.steps, state.step <= state.blockSteps)
    (trainingLoss, self.heldBackLoss) = (state.trainingLoss, heldBackLoss)
    (bestLoss, startLoss) = (state.bestLoss, state.startLoss)
    (self.rate, self.seconds) = (rate, seconds)
  }
}

/// What tuning came to.
public struct TuningResult: Sendable {
  /// Why it ended.
  public enum End: String, Sendable {
    /// All steps were done.
    case finished = "all steps done"
    /// It was asked to.
    case stopped = "stopped"
    /// The minutes were over before the steps.
    case outOfTime = "out of time"
    /// Evaluation after evaluation was no better.
    case noBetter = "no better any more"
    /// Steps blew up again and again, with lower and lower rates.
    case blewUp = "the loss grew without bound at every rate"
  }

  /// The best weights, by the images held back.
  public let weights: [String: Tensor<Float>]
  /// The loss of the images held back at the start, and with the best weights.
  public let startLoss: Double
  /// The loss with the best weights: never over that at the start.
  public let bestLoss: Double
  /// The steps done.
  public let steps: Int
  /// Why it ended.
  public let end: End
  /// The mean time of a step, the teacher's run included, without evaluations.
  public let secondsOfStep: Double

  init(_ state: TuningState, end: End, parameters: [Parameter], secondsOfStep: Double) {
    self.secondsOfStep = secondsOfStep
    (startLoss, bestLoss, steps, self.end) = (state.startLoss, state.bestLoss, state.step, end)
    // Those that never changed are left to the file as they are.
    weights = state.best.filter { name, value in
      parameters.first { $0.name == name }.map { $0.start != value } ?? false
    }
  }
}
