import ModelGraph

extension Calibration {
  /// How far a finished network's answers are from the original's on the samples that judge.
  func report(
    _ original: ModelGraph, _ finished: ModelGraph, foretold: Double?
  ) throws(CompressError) -> CompressionReport.Calibration {
    let compared = NetworkAnswers(original)
    let pieces = [
      try original.answering(compared, threads: options.threads),
      try finished.answering(compared, threads: options.threads),
    ]
    var differences = compared.outputs.map { _ in (output: OutputDifference(), score: OutputDifference()) }
    var pictures: [AnswerPicture] = []
    let shown = options.recordsSpectra ? Set(samples.spreadJudges(Self.picturedSamples)) : []
    let judges = samples.judges
    for wave in CalibrationSamples.waves(of: judges.count, threads: options.threads) {
      let given = wave.map { samples.inputs[judges[$0]] }
      let made = (first: try pieces[0].run(given), second: try pieces[1].run(given))
      for ((sample, first), second) in zip(zip(wave.map { judges[$0] }, made.first), made.second) {
        for (place, (name, score)) in zip(compared.outputs, compared.scores).enumerated() {
          differences[place].output.add(first[name], second[name])
          differences[place].score.add(first[score], second[score])
          guard shown.contains(sample) else { continue }
          AnswerPicture(output: name, first[name], second[name]).map { pictures.append($0) }
        }
      }
    }
    let outputs = compared.outputs.indices.map { place in
      let (output, score) = differences[place]
      return CompressionReport.Calibration.Output(
        name: compared.outputs[place], relativeError: output.relativeSquared.squareRoot(),
        scoreError: compared.saturates(place) ? score.relativeSquared.squareRoot() : nil,
        predictedError: foretold?.squareRoot(), agreement: output.agreement, decibels: output.decibels)
    }
    let held = samples.inputs.indices.filter { samples.isHeldOut($0) }.count
    var report = CompressionReport.Calibration(
      samples: samples.inputs.count - held, heldOut: held, positions: positions, fit: "asymmetric",
      outputs: outputs, probes: probes)
    report.pictures = pictures
    report.notWeighed = notWeighed
    return report
  }

  /// The inputs of which a report shows the answers.
  private static var picturedSamples: Int { 3 }
}

extension ModelGraph {
  /// The whole network, with what its answers are compared by.
  func answering(_ compared: NetworkAnswers, threads: Int) throws(CompressError) -> CalibrationPiece {
    var model = self
    let made = Set(main.nodes.flatMap(\.outputs))
    for name in compared.values.subtracting(main.outputs.map(\.name)).sorted() where made.contains(name) {
      model.main.outputs.append(ValueInfo(name: name))
    }
    return try CalibrationPiece(model, threads: threads)
  }
}
