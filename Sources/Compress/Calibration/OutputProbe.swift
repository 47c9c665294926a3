import ModelGraph
import Network

/// What an error of one layer's response does to the network's outputs: the layer alone is factored, and a few samples go on
/// from there through the rest of the original network.
///
///     w = relative squared error of the outputs / relative squared error of the response
///
/// A probe and no linearisation: errors of factors are not small and not white, and what lies behind a layer (ReLU, pooling,
/// classes) answers to those that really occur; it needs no gradients, and costs the rest of the network once a sample. Where
/// outputs are several, their relative errors are averaged.
struct OutputProbe {
  /// The samples that go through; their answers differ little in what they say of a layer.
  static let samples = 4

  private let answers: [[String: NetworkTensor]]
  private let outputs: [String]
  private let judges: [Int]

  /// Runs the original network on the first of the samples that judge.
  init(_ model: ModelGraph, _ samples: CalibrationSamples, threads: Int) throws(CompressError) {
    outputs = model.main.outputs.map(\.name)
    judges = Array(samples.judges.prefix(Self.samples))
    let whole = try CalibrationPiece(model, threads: threads)
    var answers: [[String: NetworkTensor]] = []
    for sample in judges { answers.append(try whole.run(samples.inputs[sample])) }
    self.answers = answers
  }

  /// Both errors, squared and relative, with a layer in the factors of `own`.
  ///
  /// `track` is the original network's in front of the layer; `variance` the energy of the layer's responses about their
  /// means, all channels of a position together.
  func errors(
    own: CalibrationPiece, dense: CalibrationPiece, rest: CalibrationPiece, of track: CalibrationTrack,
    layer: LayerReading, variance: Double
  ) throws(CompressError) -> (response: Double, outputs: Double)? {
    var squared = 0.0
    var positions = 0
    var differences = outputs.map { _ in OutputDifference() }
    for (sample, answer) in zip(judges, answers) {
      let given = try track.inputs(of: dense, sample: sample)
      let changed = try own.run(given)[layer.output]
      var difference = OutputDifference()
      difference.add(try dense.run(given)[layer.output], changed)
      squared += difference.squaredDifference
      positions += difference.count / max(1, layer.responses * layer.layer.groups)
      var inputs: [String: NetworkTensor] = [:]
      for name in rest.inputs { inputs[name] = try track.value(name, sample: sample) }
      if rest.inputs.contains(layer.output) { inputs[layer.output] = changed }
      var made = try rest.run(inputs)
      // An output that the layer makes itself.
      if outputs.contains(layer.output) { made[layer.output] = changed }
      for (place, name) in outputs.enumerated() {
        differences[place].add(answer[name], made[name] ?? answer[name])
      }
    }
    guard positions > 0, variance > 0 else { return nil }
    let mean = differences.reduce(0) { $0 + $1.relativeSquared } / Double(max(1, differences.count))
    return (squared / (variance * Double(positions)), mean)
  }
}
