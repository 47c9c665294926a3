import Decompose
import Forms
import ModelGraph
import Network
import Tensors

/// What an error of one layer's response does to the network's outputs, as far as the samples of one part of the data tell.
///
/// As `OutputProbe`, but with a form that the weights alone give, a truncation of relative error 0.2 or near it: so what a sample
/// says depends on no other sample, and parts of the data say together what the whole does.
struct MomentsProbe {
  private let answers: [Int: [String: NetworkTensor]]
  private let compared: NetworkAnswers
  private let samples: CalibrationSamples

  /// The relative error of the form that a layer is probed in.
  private static var error: Double { 0.2 }

  /// Runs the original network on those samples of the part that are probed.
  init(_ model: ModelGraph, _ samples: CalibrationSamples, threads: Int) throws(CompressError) {
    self.samples = samples
    compared = NetworkAnswers(model)
    let judges = (0..<samples.total).lazy.filter {
      !samples.holdsOutWhole || CalibrationSamples.isHeldOut(number: $0, of: samples.total)
    }
    let numbers = Set(judges.prefix(OutputProbe.samples))
    let whole = try model.answering(compared, threads: threads)
    let probed = samples.inputs.indices.filter { numbers.contains(samples.number($0)) }
    let made = try whole.run(probed.map { samples.inputs[$0] })
    answers = Dictionary(uniqueKeysWithValues: zip(probed, made))
  }

  /// Whether a sample is one that goes through the rest of the network for each layer.
  func isProbed(_ sample: Int) -> Bool { answers[sample] != nil }

  /// What a layer in its truncation does to the samples: none where it has no such form. With it the sums of `e e'`, group by
  /// group, for the errors e of its response at all positions.
  ///
  /// `track` is the original network's in front of the layer.
  func probe(
    _ stop: CalibrationRoute.Stop, _ reading: LayerReading, _ cost: MeasuredLayer, dense: CalibrationPiece,
    of track: CalibrationTrack, in model: ModelGraph, threads: Int
  ) throws(CompressError) -> (samples: [ProbedSample], errors: [BinnedSums]) {
    let rows = ChannelRows(reading)
    let empty = BinnedSums(count: triangleCount(order: rows.responses))
    var errors = [BinnedSums](repeating: empty, count: rows.groups)
    guard !answers.isEmpty, let factors = Self.truncation(reading, cost, model) else { return ([], errors) }
    let own = try model.factoredPiece(of: stop, output: reading.output, factors, threads: threads)
    let rest = try model.rest(behind: stop, threads: threads)
    let probed = answers.keys.sorted()
    let given = try track.inputs(of: dense, samples: probed)
    let changed = try own.run(given).map { $0[reading.output] }
    let whole = try dense.run(given).map { $0[reading.output] }
    let answered = try track.answers(of: rest, samples: probed, with: changed, as: reading.output)
    var found: [ProbedSample] = []
    for (place, made) in answered.enumerated() {
      let (sample, answer) = (probed[place], answers[probed[place]] ?? [:])
      let error = Self.error(of: changed[place], from: whole[place], gain: reading.gain)
      for group in errors.indices {
        _ = errors[group].add(rows.gram(error, at: 0..<rows.positions(of: error), group: group))
      }
      let differences = compared.scores.map { name in
        var difference = OutputDifference()
        difference.add(answer[name], made[name] ?? answer[name])
        return difference.sums
      }
      found.append(
        ProbedSample(
          number: samples.number(sample), response: error.elements.reduce(0) { $0 + Double($1) * Double($1) },
          elements: error.count, outputs: differences))
    }
    return (found, errors)
  }

  /// The error of a response, as moments have it; empty where there is none.
  private static func error(
    of other: NetworkTensor?, from original: NetworkTensor?, gain: Double
  ) -> Tensor<Float> {
    guard let y = original?.floats, let z = other?.floats, y.shape == z.shape else {
      return Tensor(shape: [0])
    }
    return Tensor(shape: y.shape) { error in
      y.withSpan { y in
        z.withSpan { z in
          for i in y.indices { error[i] = Float((Double(y[i]) - Double(z[i])) / gain) }
        }
      }
    }
  }

  /// A layer in the first closed form of one rank that suits it, of about the error wanted.
  private static func truncation(
    _ reading: LayerReading, _ cost: MeasuredLayer, _ model: ModelGraph
  ) -> LayerFactors? {
    let kinds = CompressionMethod.auto.kinds(for: cost.kernel, searches: false)
    guard let kind = kinds.first(where: { !$0.isSearched && $0.ranks.count == 1 }),
      let kernel = try? model.layerKernel(of: reading.layer),
      let analysis = try? LayerAnalysis(kernel.values, cost, kind: kind, error: WeightError()),
      let candidates = try? analysis.candidates(multiple: 1),
      let form = candidates.filter({ $0.relativeError > 0 })
        .min(by: { abs($0.relativeError - error) < abs($1.relativeError - error) })?.form,
      case .factor(let factors) = LayerPlanner(options: CompressionOptions()).factor(kernel, form, cost: cost)
    else { return nil }
    return factors
  }
}

extension BinnedLayer {
  /// The squared relative error of the network's outputs for one of the layer's response, from all samples that were probed
  /// together; nil where they do not tell. Errors of the response count as `metric` says.
  ///
  /// `variance` is the mean energy of the responses about their means, in the same norm, all channels of a position together.
  func weight(variance: Double, metric: LayerMetric?) -> Double? {
    guard let first = probes.first, probes.allSatisfy({ $0.outputs.count == first.outputs.count }) else {
      return nil
    }
    let responses = groups[0].fitted.responses
    let positions = Double(probes.reduce(0) { $0 + $1.elements }) / Double(groups.count * responses)
    let error = errorSize(metric, responses: responses)
    guard error > 0, positions > 0, variance > 0 else { return nil }
    let outputs = first.outputs.indices.map { output in
      probes.reduce(OutputDifference.Sums(count: 0, squared: 0, sum: 0, energy: 0)) { sums, sample in
        let more = sample.outputs[output]
        return .init(
          count: sums.count + more.count, squared: sums.squared + more.squared, sum: sums.sum + more.sum,
          energy: sums.energy + more.energy)
      }.relativeSquared
    }
    let mean = outputs.reduce(0, +) / Double(Swift.max(1, outputs.count))
    let weight = mean / (error / (variance * positions))
    return weight.isFinite ? weight : nil
  }

  /// What the response's errors come to on the samples that were probed.
  private func errorSize(_ metric: LayerMetric?, responses: Int) -> Double {
    guard let weighing, let metric else { return probes.reduce(0) { $0 + $1.response } }
    return weighing.errors.enumerated().reduce(0) { size, errors in
      let gram = Tensor(upperTriangle: errors.element.values, order: responses)
      let own = metric[errors.offset]?.size(ofErrors: gram)
      return size + (own ?? (0..<responses).reduce(0) { $0 + gram[$1, $1] })
    }
  }
}
