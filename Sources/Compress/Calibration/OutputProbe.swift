import ModelGraph
import Network

/// What an error of one layer's response does to the network's outputs: the layer alone is factored, and a few samples go on
/// from there through the rest of the original network.
///
///     w = relative squared error of the outputs / relative squared error that the layer was fitted to
///
/// The first is of samples held out: a layer that too few positions were fitted to is off by more there, and weighs the more.
///
/// A probe and no linearisation: errors of factors are not small and not white, and what lies behind a layer (ReLU, pooling,
/// classes) answers to those that really occur; it needs no gradients, and costs the rest of the network once a sample. Errors
/// are those in front of a Softmax or Sigmoid (see `NetworkAnswers`). Where outputs are several, their relative errors are
/// averaged.
struct OutputProbe {
  /// The samples that go through, spread over those that judge.
  static let samples = 6
  /// Those of them that tell whether a weight holds elsewhere, which nothing is chosen by.
  static let judgedSamples = 3

  private let answers: [[String: NetworkTensor]]
  private let compared: NetworkAnswers
  private let judges: [Int]

  /// Runs the original network on some of the samples that judge.
  init(_ model: ModelGraph, _ samples: CalibrationSamples, threads: Int) throws(CompressError) {
    compared = NetworkAnswers(model)
    judges = samples.spreadJudges(Self.samples)
    let whole = try model.answering(compared, threads: threads)
    answers = try whole.run(judges.map { samples.inputs[$0] })
  }

  /// The squared relative error of the answers with a layer in the factors of `own`, on some of the samples, spread over all
  /// of them; nil where there is none.
  ///
  /// `track` is the original network's in front of the layer.
  func error(
    own: CalibrationPiece, dense: CalibrationPiece, rest: CalibrationPiece, of track: CalibrationTrack,
    layer: LayerReading, samples count: Int
  ) throws(CompressError) -> Double? {
    var differences = compared.scores.map { _ in OutputDifference() }
    let places = count < judges.count ? (0..<count).map { $0 * judges.count / count } : Array(judges.indices)
    let samples = places.map { judges[$0] }
    let changed = try own.run(track.inputs(of: dense, samples: samples)).map { $0[layer.output] }
    let made = try track.answers(of: rest, samples: samples, with: changed, as: layer.output)
    for (place, made) in made.enumerated() {
      let answer = answers[places[place]]
      for (output, name) in compared.scores.enumerated() {
        differences[output].add(answer[name], made[name] ?? answer[name])
      }
    }
    guard !differences.isEmpty else { return nil }
    return differences.reduce(0) { $0 + $1.relativeSquared } / Double(differences.count)
  }
}
