/// Which values of a run are there on the way back, and which are made again for it.
///
/// The nodes go in stretches. What a stretch makes for itself alone is let go of behind it, and made again before the way back
/// goes through it: to the same bits, as nothing but the values before it and the weights comes in.
///
/// **Source** Chen et al., arXiv 1604.06174 (sublinear memory by recomputation).
package struct ValuePlan: Sendable {
  /// The stretches, in the order of the nodes.
  package let segments: [Range<Int>]
  /// The values that losses are of: kept in any case.
  package let asked: Set<String>
  /// The values that are let go of behind each node on the way forward.
  package let releases: [[String]]

  /// The values that a stretch has to make again: a node by itself none.
  func missing(_ segment: Range<Int>) -> [String] {
    segment.count > 1 ? segment.flatMap { releases[$0] } : []
  }
}

extension DifferentiableGraph {
  /// A plan with stretches that follow one another; nil for a run without a way back, which lets go of each value behind its last
  /// use. What is `asked` for is kept.
  package func plan(_ segments: [Range<Int>]?, asked: Set<String>) -> ValuePlan {
    var releases = [[String]](repeating: [], count: nodes.count)
    let lastUse = lastUses
    let made = nodes.map { $0.outputs.filter { !asked.contains($0) } }
    guard let segments else {
      for names in made {
        for name in names { releases[lastUse[name] ?? 0].append(name) }
      }
      return ValuePlan(segments: [], asked: asked, releases: releases)
    }
    for segment in segments where segment.count > 1 {
      releases[segment.upperBound - 1] = segment.flatMap { made[$0] }.filter {
        (lastUse[$0] ?? 0) < segment.upperBound
      }
    }
    return ValuePlan(segments: segments, asked: asked, releases: releases)
  }

  /// The place of the last node that makes or reads each value.
  private var lastUses: [String: Int] {
    var lastUse: [String: Int] = [:]
    for (place, node) in nodes.enumerated() {
      for name in node.outputs + node.settings.node.inputs where !name.isEmpty { lastUse[name] = place }
    }
    return lastUse
  }

  /// The plan that keeps everything.
  package func keepingAll(asked: Set<String>) -> ValuePlan {
    plan(nodes.indices.map { $0..<$0 + 1 }, asked: asked)
  }

  /// The plan that keeps what the way back reads, and lets go of what only frozen nodes read behind the last of them.
  func keepingDifferentiated(asked: Set<String>) -> ValuePlan {
    var readBack = asked
    for node in nodes where node.rule != nil {
      readBack.formUnion(node.outputs + node.settings.node.inputs)
    }
    var releases = [[String]](repeating: [], count: nodes.count)
    for (name, place) in lastUses where !readBack.contains(name) { releases[place].append(name) }
    return ValuePlan(segments: nodes.indices.map { $0..<$0 + 1 }, asked: asked, releases: releases)
  }

  /// The plan that makes the maps between the stages of a factored layer again: linear products one behind the other, with nothing
  /// but the next one reading what each makes.
  package func remakingStages(asked: Set<String>) -> ValuePlan { plan(chains, asked: asked) }

  /// Nodes by themselves, and stages of factored layers together.
  var chains: [Range<Int>] {
    var readers: [String: Int] = [:]
    for node in nodes {
      for name in node.settings.node.inputs { readers[name, default: 0] += 1 }
    }
    var result: [Range<Int>] = []
    for place in nodes.indices {
      if let last = result.last, continues(last.upperBound - 1, at: place, readers) {
        result[result.count - 1] = last.lowerBound..<place + 1
      } else {
        result.append(place..<place + 1)
      }
    }
    return result
  }

  /// Whether a node is the next stage behind the one in front of it.
  private func continues(_ before: Int, at place: Int, _ readers: [String: Int]) -> Bool {
    let (first, second) = (nodes[before], nodes[place])
    let stages = ["Conv", "ConvTranspose"]
    guard stages.contains(first.settings.node.opType), stages.contains(second.settings.node.opType),
      let value = first.outputs.first
    else { return false }
    // A bias is added behind the last stage.
    return second.settings.node.inputs.first == value && readers[value] == 1
      && first.settings.node.input(2) == nil
  }

  /// A plan of about `count` stretches that make as many bytes each.
  ///
  /// `bytes` holds those of values.
  package func plan(stretches count: Int, bytes: [String: Int], asked: Set<String>) -> ValuePlan {
    let made = nodes.map { $0.outputs.reduce(0) { $0 + (bytes[$1] ?? 0) } }
    let whole = made.reduce(0, +)
    var (segments, begin, sum): ([Range<Int>], Int, Int) = ([], 0, 0)
    for chain in chains {
      sum += made[chain].reduce(0, +)
      if sum * count >= whole * (segments.count + 1) || chain.upperBound == nodes.count {
        segments.append(begin..<chain.upperBound)
        begin = chain.upperBound
      }
    }
    return plan(segments, asked: asked)
  }

  /// The most bytes of values and gradients of values that a run both ways has at once, with what a node needs meanwhile.
  ///
  /// Kernels' gradients copy what goes into a node and the gradient of what comes out of it.
  package func peak(_ plan: ValuePlan, bytes: [String: Int]) -> Int {
    func size(_ names: some Sequence<String>) -> Int { names.reduce(0) { $0 + (bytes[$1] ?? 0) } }
    var (live, peak) = (size(inputs), 0)
    for (place, node) in nodes.enumerated() {
      live += size(node.outputs)
      peak = max(peak, live + size(node.settings.node.inputs))
      live -= size(plan.releases[place])
    }
    var gradients = plan.asked
    var ofGradients = size(gradients)
    for segment in plan.segments.reversed() {
      live += size(plan.missing(segment))
      for place in segment.reversed() {
        let node = nodes[place]
        let inputs = node.settings.node.inputs
        for (name, isWanted) in zip(inputs, node.wanted) where isWanted && bytes[name] != nil {
          if gradients.insert(name).inserted { ofGradients += size([name]) }
        }
        peak = max(peak, live + ofGradients + size(inputs) + size(node.outputs))
        for name in node.outputs where gradients.remove(name) != nil { ofGradients -= size([name]) }
        live -= size(node.outputs)
      }
    }
    return peak
  }
}
