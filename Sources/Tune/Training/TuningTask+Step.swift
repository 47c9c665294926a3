import Conv
import Gradients
import Network
import Tensors

/// What a step goes for.
enum TuningPhase: String, Sendable, Hashable {
  /// Each block's output by itself, from what the network makes in front of it.
  case blocks
  /// The network's outputs.
  case whole
}

extension TuningTask {
  /// The loss of some images, and its gradient with respect to the weights.
  ///
  /// The images go through in parts of a fixed number, whose sums are added in their order: no bit depends on the threads.
  ///
  /// **Complexity** one run of the teacher, and about three of the network.
  func gradients(
    _ places: [Int], _ phase: TuningPhase, _ weights: [String: Tensor<Float>], variation: UInt64?
  ) throws(TuneError) -> (loss: Double, gradients: [String: Tensor<Float>]) {
    let prepared = try TuneError.wrapping { () throws(GradientError) in try graph.prepare(weights) }
    let terms = terms[phase] ?? []
    let cuts = phase == .blocks ? Set(terms.map(\.match.value)) : []
    let x = try batch(places, variation: variation)
    let targets = try self.targets(x, phase, terms.map(\.match))
    let plan = memory.values[phase]
    let zero = (loss: 0.0, gradients: [String: Tensor<Float>]())
    return try forEachPart(places, x, into: zero) { (x, images, labels) throws(TuneError) in
      let values = try TuneError.wrapping { () throws(GradientError) in
        try graph.forward(x, prepared, plan)
      }
      let (loss, seeds) = try losses(
        values, targets, images, labels, terms, weight: 1 / Double(places.count))
      let gradients = try TuneError.wrapping { () throws(GradientError) in
        try graph.backward(values, seeds: seeds, cuts: cuts, prepared, plan)
      }
      return (loss, gradients)
    } collect: { sum, part in
      sum.loss += part.0
      for (name, gradient) in part.1 {
        if sum.gradients[name] == nil {
          sum.gradients[name] = gradient
        } else {
          sum.gradients[name]?.add(gradient)
        }
      }
    }
  }

  /// The loss of the images that are held back, with weights as they would be stored.
  func heldBackLoss(_ weights: [String: Tensor<Float>]) throws(TuneError) -> Double {
    var stored = weights
    for parameter in graph.parameters {
      if let value = weights[parameter.name] { stored[parameter.name] = parameter.stored(value) }
    }
    let prepared = try TuneError.wrapping { () throws(GradientError) in try graph.prepare(stored) }
    let places = split.heldBack
    let plan = graph.plan(nil, asked: Set(matches.outputs.map(\.value)))
    var loss = 0.0
    let size = max(part, batch / part * part)
    // Each process takes some of them.
    for start in stride(from: rank * size, to: places.count, by: processes * size) {
      let own = min(places.count - start, size)
      let some = padded(Array(places[start..<start + own]))
      let x = try batch(some, variation: nil)
      let targets = try heldBackTargets.values(ofBatch: start) { () throws(TuneError) in
        try self.targets(x, .whole, matches.outputs)
      }
      loss = try forEachPart(some, x, into: loss) { (x, images, labels) throws(TuneError) in
        var values = try TuneError.wrapping { () throws(GradientError) in
          try graph.forward(x, prepared, plan).filter { plan.asked.contains($0.key) }
        }
        var images = images
        // Those that fill up the last part do not count: how large parts are would change the loss.
        let counted = 0..<min(part, own - images.lowerBound)
        if counted.count < part {
          values = values.compactMapValues { $0.floats.map { NetworkTensor($0.images(counted)) } }
          images = images.lowerBound..<images.lowerBound + counted.count
        }
        return try losses(
          values, targets, images, labels.map { Array($0[counted]) },
          matches.outputs.mean(), weight: 1 / Double(places.count)
        ).0
      } collect: {
        $0 += $1
      }
    }
    if let group = options.group { loss = try group.sum(of: loss) }
    return loss
  }

  /// Runs `body` for parts of images, with their places in the batch and their labels.
  private func forEachPart<Result: Sendable, Sum: Sendable>(
    _ places: [Int], _ x: Tensor<Float>, into sum: Sum,
    _ body: @Sendable (Tensor<Float>, Range<Int>, [Int]?) throws(TuneError) -> Result,
    collect: @Sendable (inout Sum, Result) -> Void
  ) throws(TuneError) -> Sum {
    let part = part
    return try inParallel(
      places.count / part, threads: memory.partsAtOnce,
      held: MemoryPlan.held(partsAtOnce: memory.partsAtOnce),
      into: sum
    ) { (index) throws(TuneError) in
      let images = index * part..<(index + 1) * part
      return try body(
        x.images(images), images,
        labels.map { labels in images.map { labels[places[$0] % self.images.count] } })
    } collect: {
      collect(&$0, $1)
    }
  }

  /// The losses of some images of a batch, and their gradients by value.
  private func losses(
    _ values: [String: NetworkTensor], _ targets: Targets, _ images: Range<Int>, _ labels: [Int]?,
    _ terms: [LossTerm], weight: Double
  ) throws(TuneError) -> (Double, [String: Tensor<Float>]) {
    var (loss, seeds) = (0.0, [String: Tensor<Float>]())
    func add(_ value: LossValue, _ name: String) {
      loss += value.loss
      if seeds[name] == nil { seeds[name] = value.gradient } else { seeds[name]?.add(value.gradient) }
    }
    for term in terms {
      let match = term.match
      guard let y = values[match.value]?.floats, let target = targets.view(match.teacher, images),
        y.count == target.count
      else {
        throw .data(reason: "the network's '\(match.value)' does not fit the teacher's '\(match.teacher)'")
      }
      let share = weight * term.weight
      switch match.loss {
      case .meanSquare:
        let scale = scales[match.value] ?? 1
        add(LossFunctions.meanSquare(y, target: target, weight: share * scale), match.value)
      case .divergence:
        add(
          LossFunctions.divergence(y, target: target, temperature: options.temperature, weight: share),
          match.value)
        if let labels { add(LossFunctions.crossEntropy(y, labels: labels, weight: weight), match.value) }
      }
    }
    return (loss, seeds)
  }
}
