import Compress

extension HTMLReport {
  /// The name of the model, the totals and the options.
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
      let totals = report.model
      addTile(&page, "weights", totals.paramsBefore, totals.paramsAfter)
      addTile(&page, "multiplies", totals.macsBefore, totals.macsAfter)
      // Until the model is written, its size is unknown.
      if totals.bytesAfter > 0 { addTile(&page, "bytes", totals.bytesBefore, totals.bytesAfter) }
      addErrorTile(&page)
    }
    page.newline()
    page.element("dl", ["class": "options"]) { page in
      for (name, value) in optionTexts {
        page.element("div") { page in
          page.element("dt", text: name)
          page.element("dd", text: value)
        }
      }
    }
    page.newline()
    if report.layers.contains(where: { $0.macsBefore == nil }) {
      page.element(
        "p", ["class": "note"],
        text: "Multiplies are only those of layers whose shapes are known; --input-shape tells the rest.")
      page.newline()
    }
  }

  private func addTile(_ page: inout HTMLBuilder, _ name: String, _ before: Int, _ after: Int) {
    page.element("div", ["class": "tile"]) { page in
      page.element("div", ["class": "label"], text: name)
      page.element(
        "div", ["class": "value"], text: before > 0 ? percent(Double(after) / Double(before)) : "-")
      page.element("div", ["class": "detail"], text: "\(numberText(before)) → \(numberText(after))")
    }
  }

  private func addErrorTile(_ page: inout HTMLBuilder) {
    let worst = report.layers.filter(\.isFactored).max { $0.relativeError < $1.relativeError }
    page.element("div", ["class": "tile"]) { page in
      page.element("div", ["class": "label"], text: "largest error of a layer")
      page.element("div", ["class": "value"], text: worst.map { fixed($0.relativeError, 3) } ?? "-")
      page.element("div", ["class": "detail"]) { $0.element("bdi", text: worst?.name ?? "nothing factored") }
    }
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
