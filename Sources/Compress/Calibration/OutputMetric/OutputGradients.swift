import Conv
import Gradients
import ModelGraph
import Network
import Synchronization
import Tensors

/// What gradients of a network's outputs say of the responses of its layers, in sums that add up over samples: see
/// `OutputMetrics` for what they are for.
///
/// Some samples go forward through the original network, and random signs v back from one of its outputs y at a time (in front
/// of a Softmax or Sigmoid: see `NetworkAnswers`):
///
///     sum of g g',   g = the gradient of <v, y> with respect to the responses at a position
///
/// What outputs count by, what they vary, is only known when all samples have been seen: so each has sums of its own, and its
/// signs go back alone. Whether a sample is looked at, by which signs and at which positions follows from its place in the whole
/// set and its own size: the sums of parts of the samples are those of the whole, to the bit.
struct OutputGradients {
  /// The outputs that are looked at, those of floating-point numbers.
  let outputs: [String]
  /// By layer; none where there is an obstacle.
  let layers: [Int: LayerGradients]
  /// Why there are none.
  let obstacle: String?

  /// Backward runs of a sample where there are fewer outputs.
  private static var leastRuns: Int { 2 }
  /// Of samples of a size so many are looked at as have so many elements together, between these bounds.
  private static var elements: Int { 1 << 22 }
  private static var bounds: ClosedRange<Int> { 8...256 }
  /// The positions of a gradient that are looked at: those of one image tell much the same.
  private static var positions: Int { 1024 }

  /// The sums over some samples.
  ///
  /// `values` are those that there have to be gradients for, the responses of `readings` among them: files that hold some
  /// layers alone have none where those of others have none.
  ///
  /// **Complexity** for a sample that is looked at a run of the network forward, and one back for each output, two at least; on one
  /// thread each.
  init(
    _ model: ModelGraph, _ values: [String], _ readings: [Int: LayerReading], _ samples: CalibrationSamples,
    threads: Int
  ) throws(CompressError) {
    let outputs = try Self.outputs(model, samples)
    self.outputs = outputs
    guard !outputs.isEmpty else {
      (layers, obstacle) = ([:], "no output holds floating-point numbers")
      return
    }
    let sums = readings.mapValues { Sums(ChannelRows($0), node: $0.layer.node, outputs: outputs.count) }
    do throws(GradientError) {
      let places = Self.places(samples)
      let graphs = try Self.graphs(model, samples, [0] + places, values: values, outputs: outputs)
      let answers = Mutex([AnswerSums](repeating: AnswerSums(), count: outputs.count))
      let layers = Dictionary(uniqueKeysWithValues: readings.map { ($1.output, $0) })
      // In whatever order: see `BinnedSums`.
      try inParallel(places.count, threads: threads, into: ()) { index throws(GradientError) -> Void in
        let (input, number) = (samples.inputs[places[index]], samples.number(places[index]))
        let runs = max(Self.leastRuns, outputs.count)
        try graphs[input.mapValues(\.shape)]?.run(input) {
          made throws(GradientError) -> [[String: Tensor<Float>]] in
          answers.withLock { answers in
            for (place, name) in outputs.enumerated() { made[name].map { answers[place].add($0) } }
          }
          return (0..<runs).map { run in
            let name = outputs[run % outputs.count]
            return made[name].map { [name: Self.signs($0.shape, number: number * runs + run)] } ?? [:]
          }
        } collect: { value, run, gradient in
          guard let layer = layers[value] else { return }
          sums[layer]?.add(gradient, output: run % outputs.count, number: number * runs + run)
        }
      } collect: { _, _ in
      }
      let varied = answers.withLock { $0 }
      (self.layers, obstacle) = (sums.mapValues { $0.gradients(answers: varied) }, nil)
    } catch { (layers, obstacle) = ([:], error.description) }
  }

  /// The values that are looked at for the outputs: their types are those of any sample.
  private static func outputs(
    _ model: ModelGraph, _ samples: CalibrationSamples
  ) throws(CompressError) -> [String] {
    let compared = NetworkAnswers(model)
    let answer = try model.answering(compared, threads: 1).run([samples.inputs[0]])[0]
    var outputs: [String] = []
    for name in compared.scores where answer[name]?.floats != nil && !outputs.contains(name) {
      outputs.append(name)
    }
    return outputs
  }

  /// The samples that are looked at: of those of a size that are fitted to, some that are spread over the whole set.
  static func places(_ samples: CalibrationSamples) -> [Int] {
    let fitted = (0..<samples.total).filter { !CalibrationSamples.isHeldOut(number: $0, of: samples.total) }
    var order: [Int: Int] = [:]
    for (place, number) in fitted.enumerated() { order[number] = place }
    return samples.inputs.indices.filter { sample in
      guard let place = order[samples.number(sample)] else { return false }
      let size = samples.inputs[sample].values.reduce(0) { $0 + $1.shape.count }
      let wanted = min(bounds.upperBound, max(bounds.lowerBound, elements / max(1, size)))
      // Of n the places i n / wanted, rounded down.
      let next = (place * wanted + fitted.count - 1) / fitted.count
      return wanted >= fitted.count || next * fitted.count / wanted == place
    }
  }

  /// The network run backward to the layers' responses, for every shape that samples have.
  private static func graphs(
    _ model: ModelGraph, _ samples: CalibrationSamples, _ places: [Int], values: [String], outputs: [String]
  ) throws(GradientError) -> [[String: Shape]: ValueGradients] {
    var graphs: [[String: Shape]: ValueGradients] = [:]
    for place in places {
      let shapes = samples.inputs[place].mapValues(\.shape)
      if graphs[shapes] == nil {
        graphs[shapes] = try ValueGradients(model, inputShapes: shapes, of: values, outputs: outputs)
      }
    }
    return graphs
  }

  /// Random signs.
  private static func signs(_ shape: Shape, number: Int) -> Tensor<Float> {
    var generator = SeededGenerator(seed: UInt64(number))
    return Tensor(shape: shape) { signs in
      for place in signs.indices { signs[place] = generator.next() & 1 == 0 ? 1 : -1 }
    }
  }

  /// The sums of one layer, which several threads add to.
  private final class Sums: Sendable {
    private let rows: ChannelRows
    private let node: Int
    private let sums: Mutex<LayerGradients>

    init(_ rows: ChannelRows, node: Int, outputs: Int) {
      (self.rows, self.node) = (rows, node)
      sums = Mutex(LayerGradients(outputs: outputs, groups: rows.groups, responses: rows.responses))
    }

    /// Adds a gradient; what is not finite says nothing.
    func add(_ gradient: Tensor<Float>, output: Int, number: Int) {
      let places = SampledPositions.places(
        count: OutputGradients.positions, of: rows.positions(of: gradient),
        seed: UInt64(node) << 32 | UInt64(number))
      for group in 0..<rows.groups {
        let gram = rows.gram(gradient, at: places, group: group)
        sums.withLock { _ = $0.outputs[output].grams[group].add(gram) }
      }
    }

    func gradients(answers: [AnswerSums]) -> LayerGradients {
      sums.withLock { sums in
        LayerGradients(zip(sums.outputs, answers).map { .init(answers: $1, grams: $0.grams) })
      }
    }
  }
}
