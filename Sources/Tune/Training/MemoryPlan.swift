import Gradients
import Tensors

/// How a step goes through the images of a batch within a number of bytes.
///
/// What does not change results gives way first: maps between factored stages are made again, then all maps of stretches of the
/// network, then fewer parts go at once; at last the parts become smaller, which rounds their sums in another order.
struct MemoryPlan: Sendable {
  /// The images of a part.
  let part: Int
  /// The parts that go at once.
  let partsAtOnce: Int
  /// What is kept of a part, in each phase.
  let values: [TuningPhase: ValuePlan]
  /// The bytes that it takes, about.
  let byteCount: Int

  /// The results of parts that may be there and not added up: with one more than run, nobody waits for long.
  static func held(partsAtOnce: Int) -> Int { partsAtOnce == 1 ? 1 : partsAtOnce + 1 }

  /// The floats of each weight that stay: itself, the best so far, what the rounding and the step make of it, the two moments, the
  /// sum of gradients, and the kernels packed both ways, of which Winograd's are about twice as large.
  private static var copiesOfWeights: Int { 10 }

  /// `bytes` holds those of values for `images` images: one, or those that the model fixes. `asked` are the values that the
  /// losses of each phase are of.
  ///
  /// **Throws** `TuneError.memory` where one part does not fit.
  init(
    _ graph: DifferentiableGraph, asked: [TuningPhase: Set<String>], bytes: [String: Int], images: Int,
    isFixed: Bool,
    batch: Int, _ options: TuneOptions
  ) throws(TuneError) {
    let weights = graph.parameters.reduce(0) { $0 + 4 * $1.start.count }
    let limit = options.memoryLimit
    let choices = asked.mapValues { ValueChoices(graph, bytes: bytes, asked: $0) }
    func fixed(_ atOnce: Int) -> Int { (Self.copiesOfWeights + Self.held(partsAtOnce: atOnce)) * weights }
    for part in isFixed ? [images] : Array((1...(batch + 7) / 8).reversed()) {
      for atOnce in (1...max(1, min(options.threads, batch / part))).reversed() {
        let most = (limit - fixed(atOnce)) / atOnce * images / part
        let chosen = choices.compactMapValues { $0.first(within: most) }
        guard chosen.count == choices.count else { continue }
        (self.part, partsAtOnce, values) = (part, atOnce, chosen.mapValues { $0.values })
        byteCount = fixed(atOnce) + atOnce * part * (chosen.values.map { $0.peak }.max() ?? 0) / images
        return
      }
    }
    let least = choices.values.map { $0.least }.max() ?? 0
    throw .memory(byteCount: fixed(1) + least, limit: limit)
  }
}

/// What may be kept of a part, from the fastest on, with the bytes that each takes.
private struct ValueChoices {
  private let all: [(values: ValuePlan, peak: Int)]

  init(_ graph: DifferentiableGraph, bytes: [String: Int], asked: Set<String>) {
    func measured(_ plan: ValuePlan) -> (values: ValuePlan, peak: Int) {
      (plan, graph.peak(plan, bytes: bytes))
    }
    let stretches = (2...max(2, min(32, graph.nodes.count))).map { count in
      measured(graph.plan(stretches: count, bytes: bytes, asked: asked))
    }.min { $0.peak < $1.peak }
    all =
      [measured(graph.keepingAll(asked: asked)), measured(graph.remakingStages(asked: asked))]
      + (stretches.map { [$0] } ?? [])
  }

  /// The least that one takes.
  var least: Int { all.map { $0.peak }.min() ?? 0 }

  /// The fastest one of at most so many bytes.
  func first(within most: Int) -> (values: ValuePlan, peak: Int)? { all.first { $0.peak <= most } }
}
