import Tensors

/// What changes while a network is tuned: all that a run which was stopped needs to go on.
package struct TuningState: Sendable, Equatable {
  /// The steps that are planned, block by block and in all.
  let blockSteps: Int
  let steps: Int
  /// The step that comes next.
  var step = 0
  var weights: [String: Tensor<Float>]
  var moments: [String: Moments] = [:]
  /// The best weights so far, by the images held back.
  var best: [String: Tensor<Float>]
  /// The loss of the images held back: at the start, and at its least.
  let startLoss: Double
  var bestLoss: Double
  /// What learning rates are multiplied by, after steps that blew up.
  var caution = 1.0
  /// The evaluations since the best one, of those at the low rates of a schedule's end.
  var stall = 0
  /// The mean loss of the last steps.
  var trainingLoss = 0.0

  init(weights: [String: Tensor<Float>], loss: Double, blockSteps: Int, steps: Int) {
    (self.weights, best) = (weights, weights)
    (startLoss, bestLoss) = (loss, loss)
    (self.blockSteps, self.steps) = (blockSteps, steps)
  }

  /// What the next step goes for.
  var phase: TuningPhase { step < blockSteps ? .blocks : .whole }

  /// Takes note of a loss of the images held back; `isLate` tells whether rates are low.
  mutating func judge(_ loss: Double, isLate: Bool) {
    if loss < bestLoss {
      (bestLoss, best, stall) = (loss, weights, 0)
    } else if isLate {
      stall += 1
    }
  }

  /// Goes from the blocks to the whole, from the best weights and with nothing remembered.
  mutating func beginWhole() {
    weights = best
    moments = [:]
    stall = 0
  }

  /// Goes back to the best weights, with a lower rate and nothing remembered.
  mutating func restartLower() {
    weights = best
    moments = [:]
    caution *= 0.3
  }
}
