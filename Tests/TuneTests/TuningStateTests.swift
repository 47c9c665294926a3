import TestSupport
import Tensors
import Testing

@testable import Tune

/// What a run keeps from step to step, and on its way through a file.
struct TuningStateTests {
  private static func tensor(_ value: Float) -> Tensor<Float> { Tensor(shape: [2, 3], repeating: value) }

  @Test
  func theBestIsKept() {
    var state = TuningState(weights: ["w": Self.tensor(1)], loss: 5, blockSteps: 0, steps: 9)
    func judge(_ value: Float, _ loss: Double, isLate: Bool = true) {
      state.weights["w"] = Self.tensor(value)
      state.judge(loss, isLate: isLate)
    }
    judge(2, 4)
    judge(3, 4.5)
    judge(4, .infinity)
    judge(5, .nan)
    judge(5, 9, isLate: false)
    #expect(state.bestLoss == 4 && state.best == ["w": Self.tensor(2)] && state.stall == 3)
    judge(6, 3)
    #expect(state.bestLoss == 3 && state.best == ["w": Self.tensor(6)] && state.stall == 0)
  }

  /// Every number of a state comes back from its file, those of the optimiser too.
  @Test(arguments: [Optimiser.adam, .sgd])
  func checkpointsKeepEverything(optimiser: Optimiser) throws {
    let folder = try TemporaryFolder()
    var options = TuneOptions()
    (options.batch, options.optimiser) = (8, optimiser)
    let task = try Tuner(
      TinyNetwork.classifier(seed: 1, noise: 0.3), teacher: TinyNetwork.classifier(seed: 1),
      images: RandomImages(), options: options
    ).task
    var random = SeededGenerator(seed: 5)
    var weights: [String: Tensor<Float>] = [:]
    for parameter in task.graph.parameters { weights[parameter.name] = random.tensor(parameter.start.shape) }
    var state = TuningState(weights: weights, loss: 3, blockSteps: 4, steps: 20)
    (state.step, state.bestLoss, state.caution) = (7, 2.5, 0.3)
    (state.stall, state.trainingLoss) = (2, 0.125)
    for (name, weight) in weights {
      var moments = Moments(weight.shape, optimiser)
      moments.first = random.tensor(weight.shape)
      if optimiser == .adam { moments.second = random.tensor(weight.shape) }
      moments.steps = 3
      state.moments[name] = moments
      state.best[name] = random.tensor(weight.shape)
    }
    let checkpoint = Checkpoint(path: folder.path("state.safetensors"), task)
    try checkpoint.write(state)
    #expect(try checkpoint.read() == state)
  }
}
