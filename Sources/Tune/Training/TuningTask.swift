import Gradients
import ModelGraph
import Network
import Tensors

/// All that stays the same while a network is tuned: the graph, the teacher, the images, and what is matched.
struct TuningTask: Sendable {
  let graph: DifferentiableGraph
  private let teachers: [TuningPhase: Teacher]
  let images: any TuningImages
  let labels: [Int]?
  let options: TuneOptions
  let matches: MatchSelection
  /// What the steps of each phase go by.
  let terms: [TuningPhase: [LossTerm]]
  /// The reciprocals of the variances of the teacher's values, which mean squares are divided by.
  private(set) var scales: [String: Double] = [:]
  /// The loss of a network that says the same of all images: the mean of each of its outputs' values, all classes alike.
  private(set) var ignorantLoss = 0.0
  /// The images that are tuned on, and those that are held back.
  let split: ImageSplit
  /// The images of a step.
  let batch: Int
  /// How images go through the network within the memory that is allowed.
  let memory: MemoryPlan
  let balance: FactorBalance
  /// What the teacher makes of the images held back, once it has.
  let heldBackTargets = TargetCache()

  init(
    _ model: ModelGraph, teacher: ModelGraph, images: any TuningImages, labels: [Int]?, loss: LossKind?,
    _ options: TuneOptions
  ) throws(TuneError) {
    (self.images, self.labels, self.options) = (images, labels, options)
    try model.requireWholeWeights()
    split = try ImageSplit(images.count, views: images.views, options)
    let probe = try images.batch([split.heldBack[0]], variation: nil)
    let fixed = model.inputs.first?.extents?.first ?? nil
    let extents = Array(probe.shape.extents.dropFirst())
    // With a part of one image first, which tells the orders of the outputs and the memory that an image takes.
    let shape = Shape([fixed ?? 1] + extents)
    let first = try TuneError.wrapping { () throws(GradientError) in
      try DifferentiableGraph(model, inputShape: shape)
    }
    guard !first.parameters.isEmpty else {
      throw .graph(reason: "no weight of the network can be tuned")
    }
    let start = Dictionary(uniqueKeysWithValues: first.parameters.map { ($0.name, $0.start) })
    let repeated = Tensor.joined([Tensor<Float>](repeating: probe, count: fixed ?? 1))
    let shapes = try TuneError.wrapping { () throws(GradientError) in
      try first.shapes(repeated, first.prepare(start))
    }
    let selection = try MatchSelection(model, teacher: teacher, loss: loss, orders: shapes.mapValues(\.order))
    let isOfMaps = selection.outputs.contains { shapes[$0.value]?.order ?? 0 > 2 }
    batch = options.batch ?? (isOfMaps ? 8 : 32)
    guard options.hintWeight == 0 || !selection.hints.isEmpty else {
      throw .graph(
        reason:
          "no factored layer makes a value of one of the teacher's names: there is nothing to take hints from"
      )
    }
    matches = selection.used(blockShare: options.blockShare, hintWeight: options.hintWeight)
    terms = matches.terms(hintWeight: options.hintWeight)
    let all = matches.outputs + matches.blocks + matches.hints
    let values = Array(Set(all.map(\.value))).sorted()
    let trial = try TuneError.wrapping { () throws(GradientError) in
      try DifferentiableGraph(model, inputShape: shape, outputs: values)
    }
    memory = try MemoryPlan(
      trial, asked: terms.mapValues { Set($0.map(\.match.value)) },
      bytes: shapes.mapValues { 4 * $0.count },
      images: fixed ?? 1, isFixed: fixed != nil, batch: batch, options)
    let part = memory.part
    graph =
      part == shape[0]
      ? trial
      : try TuneError.wrapping { () throws(GradientError) in
        try DifferentiableGraph(model, inputShape: Shape([part] + extents), outputs: values)
      }
    var teachers: [TuningPhase: Teacher] = [:]
    for (phase, terms) in terms.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      // One that has no more outputs than are asked for runs faster. How many images go at once may not hang on the threads:
      // bits do on the former.
      teachers[phase] = try Teacher(
        teacher, values: terms.map(\.match.teacher), atOnce: 2 * memory.part,
        threads: options.threads)
    }
    self.teachers = teachers
    balance = FactorBalance(graph)
    for match in all where match.loss == .meanSquare { scales[match.value] = 1 }
    for (phase, terms) in terms.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      try measureScales(terms.map(\.match), phase)
    }
  }

  /// The images that go through the network at once.
  var part: Int { memory.part }

  /// The processes that tune together, and the place of this one.
  var processes: Int { options.group?.count ?? 1 }
  var rank: Int { options.group?.rank ?? 0 }

  /// The mean of a number over the processes.
  func mean(_ value: Double) throws(TuneError) -> Double {
    try options.group.map { (group) throws(TuneError) in try group.sum(of: value) / Double(group.count) }
      ?? value
  }

  /// What the teacher makes of images for some of the losses of a phase.
  func targets(
    _ x: Tensor<Float>, _ phase: TuningPhase, _ matches: [Match]
  ) throws(TuneError) -> Targets {
    guard let teacher = teachers[phase] else { return .none }
    let targets = try teacher.values(matches.map(\.teacher), of: x)
    // Where a teacher takes a number of images that its model fixes, a part may lie in two of its runs.
    return targets.imagesOfRun % part == 0 ? targets : targets.joined
  }

  /// The variances of the teacher's values over some of the images held back, which tells too whether their shapes fit.
  private mutating func measureScales(_ all: [Match], _ phase: TuningPhase) throws(TuneError) {
    let some = Array(split.heldBack.prefix(max(part, 8 / part * part)))
    let x = try batch(padded(some), variation: nil)
    let targets = try self.targets(x, phase, all).joined.runs.first ?? [:]
    let plan = graph.plan(nil, asked: Set(all.map(\.value)))
    let values = try TuneError.wrapping { () throws(GradientError) in
      try graph.forward(x.images(0..<part), graph.prepare(startWeights), plan)
    }
    for match in all {
      guard let target = targets[match.teacher], let own = values[match.value]?.shape else { continue }
      guard own.extents.dropFirst() == target.shape.extents.dropFirst(), target.shape[0] == x.shape[0] else {
        throw .data(
          reason:
            "the teacher's '\(match.teacher)' is of \(target.shape) for \(x.shape[0]) images, the network's"
            + " '\(match.value)' of \(own) for \(part)")
      }
      guard target.isFinite else {
        throw .data(reason: "the teacher's '\(match.teacher)' holds NaN or infinity")
      }
      let variance = target.variance
      scales[match.value] = 1 / max(variance, 1e-12)
    }
    if phase == .whole { ignorantLoss = lossOfIgnorance(targets) }
  }

  /// The loss where the same is said of all images.
  private func lossOfIgnorance(_ targets: [String: Tensor<Float>]) -> Double {
    let share = 1 / Double(matches.outputs.count)
    return matches.outputs.reduce(0) { sum, match in
      guard let target = targets[match.teacher] else { return sum }
      switch match.loss {
      case .meanSquare: return sum + share * min(1, target.variance * 1e12)
      case .divergence:
        return sum
          + LossFunctions.ofEqualClasses(
            target, hasLabels: labels != nil, temperature: options.temperature, share: share)
      }
    }
  }

  /// The weights as the model has them.
  var startWeights: [String: Tensor<Float>] {
    Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.start) })
  }

  /// Images in parts of full size: the last one is filled up with its own images, over again.
  func padded(_ images: [Int]) -> [Int] {
    images + (0..<((part - images.count % part) % part)).map { images[$0 % images.count] }
  }

  /// Images, checked.
  func batch(_ places: [Int], variation: UInt64?) throws(TuneError) -> Tensor<Float> {
    let x = try images.batch(places, variation: variation)
    guard x.isFinite else {
      for place in places {
        if try !images.batch([place], variation: variation).isFinite {
          throw .data(reason: "image \(place % images.count) holds NaN or infinity")
        }
      }
      throw .data(reason: "an image holds NaN or infinity")
    }
    return x
  }
}

/// Which looks at images are tuned on and which are held back: all those at one image on the same side.
struct ImageSplit: Sendable {
  let training: [Int]
  let heldBack: [Int]

  /// The most images that are held back.
  private static var mostHeldBack: Int { 512 }
  /// The fewest, where there are enough.
  private static var leastHeldBack: Int { 3 }

  /// **Throws** `TuneError.data` where there are not two images.
  init(_ count: Int, views: Int, _ options: TuneOptions) throws(TuneError) {
    guard count >= 2 else {
      throw .data(reason: "\(count) images: two are needed, one to tune on and one to judge by")
    }
    var generator = SeededGenerator(seed: options.seed)
    let order = (0..<count).shuffled(using: &generator)
    // One photograph tells little of others: three are held back where that leaves three quarters.
    let least = max(1, min(Self.leastHeldBack, count / 4))
    let part = Int((options.heldBack * Double(count)).rounded())
    let held = max(least, min(Self.mostHeldBack, count - 1, part))
    func looks(_ images: some Collection<Int>) -> [Int] {
      (0..<views).flatMap { view in images.sorted().map { view * count + $0 } }
    }
    (heldBack, training) = (looks(order.prefix(held)), looks(order.dropFirst(held)))
  }

  /// The images of a step: each once an epoch, in an order of the epoch's own.
  func images(ofStep step: Int, count: Int, seed: UInt64) -> [Int] {
    (step * count..<(step + 1) * count).map { place in (place / training.count, place % training.count) }
      .reduce(into: (images: [Int](), epoch: -1, order: [Int]())) { state, place in
        if place.0 != state.epoch {
          var generator = SeededGenerator(seed: seed &+ UInt64(place.0 + 1) &* 0x9E37_79B9_7F4A_7C15)
          (state.epoch, state.order) = (place.0, training.shuffled(using: &generator))
        }
        state.images.append(state.order[place.1])
      }.images
  }
}

extension Tensor where Element == Float {
  /// The mean squared distance of the elements from their mean.
  fileprivate var variance: Double {
    withSpan { x in
      var (sum, squares) = (0.0, 0.0)
      for i in 0..<x.count {
        sum += Double(x[i])
        squares += Double(x[i]) * Double(x[i])
      }
      let mean = sum / Double(max(1, x.count))
      return max(0, squares / Double(max(1, x.count)) - mean * mean)
    }
  }
}
