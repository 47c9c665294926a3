public import Gradients
public import ModelGraph
import Tensors

/// Tunes a network so that its outputs come near to those of another: its teacher.
///
///     let tuner = try Tuner(small, teacher: dense, images: images, options: options)
///     let result = try tuner.run()
///     small.setWeights(result.weights)
///
/// First, where values of the same name tell blocks of both networks apart, each block learns by itself the teacher's output from
/// what the network makes in front of it; then the whole network learns the teacher's outputs, and what the teacher makes on the
/// way there. A part of the images is held back; the weights that are best on it are the result, and never worse there than those
/// at the start.
///
/// **Accuracy** results depend on the images, the options and the seed alone, not on the number of threads. With a length in
/// minutes the steps depend on the machine's speed; a checkpoint keeps their number.
///
/// **Source** Hinton, Vinyals, Dean, arXiv 1503.02531 (distillation); Zhang et al., arXiv 1505.06798 (blocks, from the inputs
/// that the compressed network makes); Romero et al., arXiv 1412.6550 (hints).
public final class Tuner {
  /// The values that are matched in the end.
  public var outputs: [Match] { task.matches.outputs }
  /// The values that blocks are matched by.
  public var blocks: [Match] { task.matches.blocks }
  /// The values within the network that are matched beside the outputs.
  public var hints: [Match] { task.matches.hints }
  /// The weights that are tuned.
  public var parameters: [Parameter] { task.graph.parameters }
  /// The images that are tuned on and those that are held back.
  public var imageCounts: (tuned: Int, heldBack: Int) {
    (task.split.training.count, task.split.heldBack.count)
  }
  let task: TuningTask
  let clock = ContinuousClock()

  /// The times that a run may blow up.
  private static var mostRestarts: Int { 5 }
  /// The steps that a rate is tried with, or a tenth of those to come, and how often and how far it is lowered.
  private static var trialSteps: Int { 8 }
  private static var mostLowerings: Int { 4 }
  private static var lowering: Double { 0.3 }
  /// The most evaluations of a run, about.
  private static var evaluations: Int { 50 }

  /// Prepares a network to be tuned.
  ///
  /// `labels` holds a class for each image, whose cross-entropy is added to divergences; `loss` is nil for what the networks are.
  ///
  /// **Throws** `TuneError` where there is no gradient for a node, or networks and images do not fit each other.
  public init(
    _ model: ModelGraph, teacher: ModelGraph, images: any TuningImages, labels: [Int]? = nil,
    loss: LossKind? = nil, options: TuneOptions = TuneOptions()
  ) throws(TuneError) {
    task = try TuningTask(model, teacher: teacher, images: images, labels: labels, loss: loss, options)
  }

  /// Tunes.
  ///
  /// `progress` is told of each evaluation; `stops` is asked before each step whether to end with the best so far.
  ///
  /// **Throws** `TuneError`; the checkpoint, where there is one, keeps the best so far.
  public func run(
    progress: (TuningProgress) -> Void = { _ in }, stops: () -> Bool = { false }
  ) throws(TuneError) -> TuningResult {
    let start = clock.now
    let checkpoint = task.options.checkpoint.map { Checkpoint(path: $0, task) }
    var state: TuningState
    if let resumed = try checkpoint?.read() { state = resumed } else { state = try begin() }
    try task.requireAgreement(state)
    let interval = evaluationInterval(steps: state.steps)
    var stepTime = Duration.zero
    let firstStep = state.step
    var end = TuningResult.End.finished
    var restarts = 0
    while state.step < state.steps {
      if let early = try earlyEnd(start, hasStepped: state.step > firstStep, stops) {
        end = early
        break
      }
      let began = clock.now
      let isSound = try step(&state)
      stepTime += clock.now - began
      let isDue = state.step % interval == 0 || state.step == state.steps || state.step == state.blockSteps
      guard isDue || !isSound else { continue }
      let rate = lastRate(state)
      let loss = isSound ? try evaluate(&state) : .infinity
      if !loss.isFinite || loss > 4 * state.startLoss {
        if hasForgotten(loss) { restarts += 1 }
        guard restarts <= Self.mostRestarts else {
          end = .blewUp
          break
        }
        state.restartLower()
      }
      if state.step == state.blockSteps {
        state.beginWhole()
        try settleRate(&state)
      }
      try task.requireAgreement(state)
      if task.rank == 0 { try checkpoint?.write(state) }
      progress(
        TuningProgress(state, heldBackLoss: loss, rate: rate, seconds: (clock.now - start).inSeconds))
      if state.phase == .whole, state.stall > task.options.patience {
        end = .noBetter
        break
      }
    }
    return TuningResult(
      state, end: end, parameters: task.graph.parameters,
      secondsOfStep: stepTime.inSeconds / Double(max(1, state.step - firstStep)))
  }

  /// Whether a loss of the images held back is none, or no less than where all images are answered alike: a start that is nearly
  /// perfect is soon left by much more than four times its loss, and only has to go on with lower rates.
  private func hasForgotten(_ loss: Double) -> Bool { !loss.isFinite || loss > task.ignorantLoss }

  /// Why to end before the next step, if any of the processes has to: however short the time is, one step is taken.
  private func earlyEnd(
    _ start: ContinuousClock.Instant, hasStepped: Bool, _ stops: () -> Bool
  ) throws(TuneError) -> TuningResult.End? {
    var isLate = false
    if case .minutes(let minutes) = task.options.length {
      isLate = hasStepped && clock.now - start > .seconds(minutes * 75)
    }
    var wishes: [Double] = [stops() ? 1 : 0, isLate ? 1 : 0]
    try task.options.group?.sum(&wishes)
    return wishes[0] > 0 ? .stopped : wishes[1] > 0 ? .outOfTime : nil
  }

  /// The steps from one evaluation to the next: so many that twice as many images are learnt from as are looked at, which takes
  /// some tenth of the time.
  private func evaluationInterval(steps: Int) -> Int {
    let images = task.batch * task.options.accumulation * task.processes
    return max(1, steps / Self.evaluations, (2 * task.split.heldBack.count + images - 1) / images)
  }

  /// Lowers the rates of the whole network until a few steps at the largest of them leave the images held back no worse.
  ///
  /// A network that was fitted to data stands where rates that suit others toss it out of what it has, and it does not come back
  /// in the time that there is: CRAFT at a quarter of its time lost its fit within eight steps at 0.0003 for each weight,
  /// and came nearer to the original at 0.00001. Blocks are not judged so: what they learn at high rates pays in the end, though it
  /// costs at first. A rate that is asked for is taken as it is.
  private func settleRate(_ state: inout TuningState) throws(TuneError) {
    guard task.options.rate == nil, state.phase == .whole else { return }
    state.caution = 1
    let (schedule, _) = schedule(of: state)
    let count = max(1, min(Self.trialSteps, schedule.steps / 10))
    for _ in 0..<Self.mostLowerings {
      var trial = state
      var isSound = true
      for _ in 0..<count where isSound { isSound = try step(&trial, rate: state.caution * schedule.peak) }
      task.balance.apply(to: &trial.weights)
      let loss = isSound ? try task.heldBackLoss(trial.weights) : .infinity
      if loss <= state.bestLoss { return }
      state.caution *= Self.lowering
    }
  }

  /// One step; false where its loss is no number any more. `rate` is another than the schedule's.
  private func step(_ state: inout TuningState, rate: Double? = nil) throws(TuneError) -> Bool {
    let options = task.options
    var (loss, sums) = (0.0, [String: Tensor<Float>]())
    let size = max(task.part, task.batch / task.part * task.part)
    for turn in 0..<options.accumulation {
      let number = state.step * options.accumulation + turn
      let all = task.split.images(ofStep: number, count: size * task.processes, seed: options.seed)
      let places = Array(all[task.rank * size..<(task.rank + 1) * size])
      let variation = options.seed &+ UInt64(number + 1) &* 0xD134_2543_DE82_EF95
      let part = try task.gradients(places, state.phase, state.weights, variation: variation)
      loss += part.loss / Double(options.accumulation)
      for (name, gradient) in part.gradients {
        if sums[name] == nil { sums[name] = gradient } else { sums[name]?.add(gradient) }
      }
    }
    loss = try task.mean(loss)
    if let group = options.group { try Self.average(&sums, task.graph.parameters, group) }
    let (schedule, place) = schedule(of: state)
    state.trainingLoss = place == 0 ? loss : 0.9 * state.trainingLoss + 0.1 * loss
    state.step += 1
    guard loss.isFinite, sums.values.allSatisfy(\.isFinite) else { return false }
    let rate = rate ?? state.caution * schedule.rate(place)
    for parameter in task.graph.parameters {
      guard var gradient = sums[parameter.name], var weight = state.weights[parameter.name] else { continue }
      if options.accumulation > 1 { gradient = gradient.mapped { $0 / Float(options.accumulation) } }
      var moments = state.moments[parameter.name] ?? Moments(parameter.start.shape, options.optimiser)
      options.optimiser.update(
        &weight, gradient, &moments, rate: rate, decay: parameter.decays ? options.decay : 0)
      state.weights[parameter.name] = weight
      state.moments[parameter.name] = moments
    }
    return true
  }

  /// The means over all processes, in one message.
  private static func average(
    _ sums: inout [String: Tensor<Float>], _ parameters: [Parameter],
    _ group: any TuningGroup
  ) throws(TuneError) {
    // Those that the loss of a phase depends on are the same everywhere.
    let names = parameters.map(\.name).filter { sums[$0] != nil }
    var all = names.flatMap { sums[$0]?.elements ?? [] }
    try group.sum(&all)
    var place = 0
    for name in names {
      guard let shape = sums[name]?.shape else { continue }
      let mean = all[place..<place + shape.count].map { $0 / Float(group.count) }
      sums[name] = Tensor(shape: shape, elements: mean)
      place += shape.count
    }
  }

  /// The learning rates of a phase, and the place of the next step in it.
  ///
  /// For the whole network the rates are lower than for blocks: it stands close to where it is going, and would lose what it has.
  private func schedule(of state: TuningState) -> (Schedule, place: Int) {
    let peak = task.options.peakRate
    guard state.phase == .whole else { return (Schedule(peak: peak, steps: state.blockSteps), state.step) }
    return (
      Schedule(
        peak: state.blockSteps > 0 || task.options.rate == nil ? 0.3 * peak : peak,
        steps: state.steps - state.blockSteps),
      state.step - state.blockSteps
    )
  }

  /// The rate of the step that was done last.
  private func lastRate(_ state: TuningState) -> Double {
    var state = state
    state.step -= 1
    let (schedule, place) = schedule(of: state)
    return state.caution * schedule.rate(place)
  }

  private func evaluate(_ state: inout TuningState) throws(TuneError) -> Double {
    task.balance.apply(to: &state.weights)
    let loss = try task.heldBackLoss(state.weights)
    let (schedule, place) = schedule(of: state)
    state.judge(loss, isLate: schedule.isLate(place))
    return loss
  }

  /// The state at the start, with as many steps as the time allows.
  private func begin() throws(TuneError) -> TuningState {
    let weights = task.startWeights
    let loss = try task.heldBackLoss(weights)
    guard loss.isFinite else {
      throw .data(reason: "the network's outputs for the images held back are no numbers")
    }
    let share = task.matches.blocks.isEmpty ? 0 : task.options.blockShare
    let steps: Int
    switch task.options.length {
    case .epochs(let epochs):
      let images = max(1, task.batch * task.options.accumulation * task.processes)
      steps = max(1, epochs * task.split.training.count / images)
    case .minutes(let minutes):
      steps = max(10, Int(60 * minutes / (try task.mean(secondsOfStep(weights, loss, share)))))
    }
    var state = TuningState(
      weights: weights, loss: loss, blockSteps: Int(share * Double(steps)), steps: steps)
    try settleRate(&state)
    return state
  }

  /// The time of a step with its share of the evaluations, by some whose results are dropped.
  private func secondsOfStep(
    _ weights: [String: Tensor<Float>], _ loss: Double, _ blockShare: Double
  ) throws(TuneError) -> Double {
    func seconds(_ blockSteps: Int) throws(TuneError) -> Double {
      var trial = TuningState(weights: weights, loss: loss, blockSteps: blockSteps, steps: 100)
      let start = clock.now
      _ = try step(&trial)
      // The first one plans and allocates, and others may be held up by other work: the shortest counts.
      let first = try task.mean((clock.now - start).inSeconds)
      var least = first
      for _ in 0..<(first < 2 ? 3 : 1) {
        let start = clock.now
        _ = try step(&trial)
        least = min(least, (clock.now - start).inSeconds)
      }
      return least
    }
    let whole = try seconds(0)
    let blocks = blockShare > 0 ? try seconds(100) : whole
    // Evaluations take about a tenth, other work of the machine may take as much.
    return 1.2 * (blockShare * blocks + (1 - blockShare) * whole)
  }
}

extension Duration {
  /// The duration in seconds.
  var inSeconds: Double { Double(components.seconds) + 1e-18 * Double(components.attoseconds) }
}
