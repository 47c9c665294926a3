import Network
import Tensors

/// What a step goes for.
enum TuningPhase: String, Sendable {
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
    let prepared = try graph.prepare(weights)
    let matches = phase == .blocks ? matches.blocks : matches.outputs
    let cuts = phase == .blocks ? Set(matches.map(\.value)) : []
    var (loss, sums) = (0.0, [String: Tensor<Float>]())
    let x = try batch(places, variation: variation)
    let targets = try teacher.values(matches.map(\.teacher), of: x)
    try forEachPart(places, x, targets) { (x, targets, labels) throws(TuneError) in
      let values = try graph.forward(x, prepared)
      let (loss, seeds) = try losses(values, targets, labels, matches, weight: 1 / Double(places.count))
      return (loss, try graph.backward(values, seeds: seeds, cuts: cuts, prepared))
    } collect: { part in
      loss += part.0
      for (name, gradient) in part.1 {
        if sums[name] == nil { sums[name] = gradient } else { sums[name]?.add(gradient) }
      }
    }
    return (loss, sums)
  }

  /// The loss of the images that are held back, with weights as they would be stored.
  func heldBackLoss(_ weights: [String: Tensor<Float>]) throws(TuneError) -> Double {
    var stored = weights
    for parameter in graph.parameters {
      if let value = weights[parameter.name] { stored[parameter.name] = parameter.stored(value) }
    }
    let prepared = try graph.prepare(stored)
    let places = split.heldBack
    var (loss, count) = (0.0, 0)
    let size = max(part, options.batch / part * part)
    for start in stride(from: 0, to: places.count, by: size) {
      // Those that fill up the last part count again.
      let some = padded(Array(places[start..<min(places.count, start + size)]))
      count += some.count
      let x = try batch(some, variation: nil)
      let targets = try heldBackTargets.values(ofBatch: start) { () throws(TuneError) in
        try teacher.values(matches.outputs.map(\.teacher), of: x)
      }
      try forEachPart(some, x, targets) { (x, targets, labels) throws(TuneError) in
        let values = try graph.forward(x, prepared)
        return try losses(values, targets, labels, matches.outputs, weight: 1).0
      } collect: {
        loss += $0
      }
    }
    return loss / Double(count)
  }

  /// Runs `body` for parts of images, with the teacher's values of them.
  private func forEachPart<Result: Sendable>(
    _ places: [Int], _ x: Tensor<Float>, _ targets: [String: Tensor<Float>],
    _ body: @Sendable (Tensor<Float>, [String: Tensor<Float>], [Int]?) throws(TuneError) -> Result,
    collect: (Result) -> Void
  ) throws(TuneError) {
    let part = part
    try inParallel(places.count / part, threads: options.threads) { (index) throws(TuneError) in
      let images = index * part..<(index + 1) * part
      return try body(
        x.images(images), targets.mapValues { $0.images(images) },
        labels.map { labels in images.map { labels[places[$0] % self.images.count] } })
    } collect: {
      collect($0)
    }
  }

  /// The losses of a part, and their gradients by value.
  private func losses(
    _ values: [String: NetworkTensor], _ targets: [String: Tensor<Float>], _ labels: [Int]?,
    _ matches: [Match], weight: Double
  ) throws(TuneError) -> (Double, [String: Tensor<Float>]) {
    var (loss, seeds) = (0.0, [String: Tensor<Float>]())
    func add(_ value: LossValue, _ name: String) {
      loss += value.loss
      if seeds[name] == nil { seeds[name] = value.gradient } else { seeds[name]?.add(value.gradient) }
    }
    for match in matches {
      guard let y = values[match.value]?.floats, let target = targets[match.teacher], y.count == target.count
      else {
        throw .data(reason: "the network's '\(match.value)' does not fit the teacher's '\(match.teacher)'")
      }
      switch match.loss {
      case .meanSquare:
        let share = weight * (scales[match.value] ?? 1) / Double(matches.count)
        add(LossFunctions.meanSquare(y, target: target, weight: share), match.value)
      case .divergence:
        add(
          LossFunctions.divergence(
            y, target: target, temperature: options.temperature, weight: weight / Double(matches.count)),
          match.value)
        if let labels { add(LossFunctions.crossEntropy(y, labels: labels, weight: weight), match.value) }
      }
    }
    return (loss, seeds)
  }
}
