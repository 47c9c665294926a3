import Compress

extension HTMLReport {
  /// What was looked at and what was not, in the sentences that a reader needs before trusting the figures.
  func addEvidence(_ page: inout HTMLBuilder) {
    addSection(&page, "What this rests on", "What was looked at, and what was not.") { page in
      page.element("ul", ["class": "evidence"]) { page in
        for (isLack, sentence) in evidence {
          page.element("li", isLack ? ["class": "lack"] : [:], text: sentence)
        }
      }
    }
  }

  /// Sentences, and whether each is of something that was not looked at.
  private var evidence: [(isLack: Bool, sentence: String)] {
    var all = dataEvidence + report.calibrationWarnings.map { (true, $0) } + timeEvidence
    if report.layers.contains(where: { $0.macsBefore == nil }) {
      all.append(
        (true, "Multiplies are only those of layers whose shapes are known; --input-shape tells the rest."))
    }
    return all
  }

  private var dataEvidence: [(Bool, String)] {
    guard let calibration = report.calibration else {
      return [
        (
          true,
          "No data were looked at: errors are those of the weights alone. The same error of the weights can mean an "
            + "unchanged answer in one network and a useless one in another; --calibrate with a folder of inputs like "
            + "those that the network is used on fits the layers to them and measures the answers."
        )
      ]
    }
    let fit =
      "The layers were fitted to \(numberText(calibration.samples)) inputs without labels, at "
      + "\(numberText(calibration.positions)) positions"
    if calibration.outputs.isEmpty {
      return [(true, "\(fit), from moments alone: the finished network's answers were not looked at.")]
    }
    guard calibration.heldOut > 0 else {
      return [(true, "\(fit); there were too few to hold some out, and the errors are those of the fit.")]
    }
    return [
      (
        false,
        "\(fit); answers were compared on \(numberText(calibration.heldOut)) others, which nothing was fitted to."
      ),
      (true, "Accuracy on labels was not looked at: lowrank evaluate measures it."),
    ]
  }

  private var timeEvidence: [(Bool, String)] {
    guard let time = report.time else {
      return [
        (
          true,
          "Time was not looked at\(report.notTimed.map { " (\($0))" } ?? ""): fewer multiplies are not always fewer "
            + "milliseconds. --latency 0.5 asks for half of the time, measured."
        )
      ]
    }
    let threads = time.threads == 1 ? "one thread" : "\(time.threads) threads"
    guard let measured = time.measuredMs else {
      return [
        (
          true,
          "Times are priced by the profile \(time.runtime); the finished network was not measured there."
        )
      ]
    }
    let whose = "Times are those of \(time.runtime) on \(threads) of the machine that this was made on"
    guard let predicted = time.predictedMs else {
      return [(false, "\(whose), least of a few runs.")] + (report.timeWarning.map { [(true, $0)] } ?? [])
    }
    let off = predicted > 0 ? measured / predicted - 1 : 0
    return [
      (
        false,
        "\(whose); the prediction of \(millisecondsText(predicted)) was off by \(percentText(off.magnitude))."
      )
    ] + (report.timeWarning.map { [(true, $0)] } ?? [])
  }
}
