import Compress

extension HTMLReport {
  /// The name of the model and the figures that a user asks for first.
  func addSummary(_ page: inout HTMLBuilder) {
    page.element("header") { page in
      page.element("h1") { $0.element("bdi", text: model) }
      let factored = report.layers.filter(\.isFactored).count
      page.element(
        "p", ["class": "note"],
        text: "\(factored) of \(report.layers.count) layers brought into a low-rank form by lowrank compress."
      )
    }
    page.newline()
    page.element("div", ["class": "tiles"]) { page in
      addTimeTile(&page)
      addAnswerTiles(&page)
      let totals = report.model
      addTile(&page, "weights", totals.paramsBefore, totals.paramsAfter)
      addTile(&page, "multiplies", totals.macsBefore, totals.macsAfter)
      // Until the model is written, its size is unknown.
      if totals.bytesAfter > 0 { addTile(&page, "bytes", totals.bytesBefore, totals.bytesAfter) }
      addErrorTile(&page)
    }
    page.newline()
  }

  /// The options and where the page comes from, at its end.
  func addOptions(_ page: inout HTMLBuilder) {
    addSection(&page, "How this was made", "The same command on the same model gives the same network.") {
      page in
      page.element("dl", ["class": "options"]) { page in
        for (name, value) in originTexts + optionTexts {
          page.element("div") { page in
            page.element("dt", text: name)
            page.element("dd", text: value)
          }
        }
      }
    }
  }

  private func addTimeTile(_ page: inout HTMLBuilder) {
    guard let time = report.time else { return }
    let after =
      time.measuredMs.map { "\(millisecondsText($0)) measured" }
      ?? time.predictedMs.map { "\(millisecondsText($0)) predicted" } ?? "?"
    addTile(&page, "time", percentText(time.fraction), "\(millisecondsText(time.denseMs)) → \(after)")
  }

  private func addAnswerTiles(_ page: inout HTMLBuilder) {
    for output in report.calibration?.outputs ?? [] {
      let several = (report.calibration?.outputs.count ?? 0) > 1
      let before = output.tellingUncalibratedError.map { ", \(fixed($0, 3)) without data" } ?? ""
      let detail = "error \(fixed(output.tellingError, 3))\(before)" + (several ? ", \(output.name)" : "")
      if let agreement = output.agreement {
        addTile(&page, "same class as the original", percentText(agreement), detail)
      } else if let decibels = output.decibels {
        addTile(&page, "nearness to the original", "\(fixed(decibels, 1)) dB", detail)
      } else {
        addTile(
          &page, "error of the answers", fixed(output.tellingError, 3),
          (several ? output.name : "held-out inputs") + before)
      }
    }
  }

  private func addTile(_ page: inout HTMLBuilder, _ name: String, _ before: Int, _ after: Int) {
    addTile(
      &page, name, before > 0 ? percent(Double(after) / Double(before)) : "-",
      "\(numberText(before)) → \(numberText(after))")
  }

  private func addErrorTile(_ page: inout HTMLBuilder) {
    let worst = report.layers.filter(\.isFactored).max { $0.tellingError < $1.tellingError }
    addTile(
      &page, "largest error of a layer", worst.map { fixed($0.tellingError, 3) } ?? "-",
      worst?.name ?? "nothing factored")
  }

  private func addTile(_ page: inout HTMLBuilder, _ name: String, _ value: String, _ detail: String) {
    page.element("div", ["class": "tile"]) { page in
      page.element("div", ["class": "label"], text: name)
      page.element("div", ["class": "value"], text: value)
      page.element("div", ["class": "detail"]) { $0.element("bdi", text: detail) }
    }
  }

  private var originTexts: [(String, String)] {
    guard let origin else { return [] }
    return [
      ("command", origin.command), ("lowrank", origin.version), ("made on", origin.date),
      ("in", "\(fixed(report.elapsedSeconds, 1)) s"),
    ]
  }

  /// The options that shape the result, by name.
  private var optionTexts: [(String, String)] {
    var texts = [("forms", options.method.name)]
    if let budget = options.budget {
      texts.append(("budget", "\(percentText(budget.fraction)) of the \(budget.measure.unit)"))
    } else {
      texts.append(("ranks", "\(options.criterion) in each layer"))
    }
    if let allocation = report.allocation {
      texts.append(("reached", percentText(allocation.achieved)))
      texts.append((options.error.title, fixed(allocation.squaredError, 4)))
      texts.append(("above the best, at most", "\(fixed(100 * allocation.gap, 2)) %"))
    }
    texts.append(("rank multiple", String(options.rankMultiple)))
    if let layers = options.layers { texts.append(("layers matching", layers)) }
    if let skip = options.skip { texts.append(("skipped", skip)) }
    texts.append(("BatchNormalization", options.foldsBatchNormalization ? "folded" : "left alone"))
    for (name, shape) in options.inputShapes.sorted(by: { $0.key < $1.key }) {
      texts.append(("shape of \(name)", shape.map(String.init).joined(separator: "x")))
    }
    return texts
  }
}
