import Compress

extension HTMLReport {
  /// The curve of what budgets cost in error, with the one chosen marked.
  func addTradeOff(_ page: inout HTMLBuilder) {
    guard let tradeOff else { return }
    let points = tradeOff.points.compactMap { point -> TradeOffPoint? in
      guard let achieved = point.achieved, let error = point.squaredError else { return nil }
      return TradeOffPoint(fraction: achieved, error: error)
    }
    let chosen = report.allocation.map { TradeOffPoint(fraction: $0.achieved, error: $0.squaredError) }
    guard points.count > 1 else { return }
    let note =
      "The least \(options.error.phrase) that lowrank finds at each budget of "
      + "\(tradeOff.unit), on a logarithmic scale. The ring is what was written for the budget that was chosen: "
      + "iteration lowers errors, rounding raises them."
    addSection(&page, "The trade-off", note) { page in
      page.element("figure", ["class": "trade-off"]) { addCurve(&$0, tradeOff, points, chosen) }
      page.newline()
      page.element("details") { page in
        page.element("summary", text: "The numbers")
        addNumbers(&page, tradeOff)
      }
    }
  }

  private func addCurve(
    _ page: inout HTMLBuilder, _ tradeOff: TradeOff, _ points: [TradeOffPoint], _ chosen: TradeOffPoint?
  ) {
    let errors = PlotAxis.decades(over: (points + (chosen.map { [$0] } ?? [])).map(\.error))
    let plot = Plot(width: 360, height: 230, x: PlotAxis(low: 0, high: 1), y: errors)
    page.element("svg", plot.attributes(title: "error over the part of the \(tradeOff.unit) that is kept")) {
      page in
      plot.addGrid(
        &page, xTicks: [0, 0.25, 0.5, 0.75, 1].map { ($0, percent($0)) },
        yTicks: errors.decadeTicks.map { ($0, powerText($0)) },
        xTitle: "\(tradeOff.unit) kept", yTitle: options.error.title)
      let drawn = points.filter { errors.place($0.error) >= 0 }
      plot.addLine(&page, drawn.map { ($0.fraction, $0.error) }, kind: "mode1")
      for point in points where errors.place(point.error) >= 0 {
        plot.addDot(&page, point.fraction, point.error, kind: "mode1", radius: "2.5")
      }
      if let chosen {
        plot.addDrop(&page, chosen.fraction, chosen.error, kind: "chosen")
        plot.addDot(&page, chosen.fraction, chosen.error, kind: "ring", radius: "6")
      }
    }
  }

  private func addNumbers(_ page: inout HTMLBuilder, _ tradeOff: TradeOff) {
    page.element("table", ["class": "numbers"]) { page in
      page.element("thead") { page in
        page.element("tr") { page in
          for title in ["budget", tradeOff.unit, options.error.title, "above the best, at most"] {
            page.element("th", ["scope": "col"], text: title)
          }
        }
      }
      page.element("tbody") { page in
        for point in tradeOff.points {
          page.element("tr") { page in
            page.element("td", text: percentText(point.fraction))
            page.element("td", text: point.cost.map(numberText) ?? "out of reach")
            page.element("td", text: point.squaredError.map { fixed($0, 4) } ?? "")
            page.element("td", text: point.gap.map { "\(fixed(100 * $0, 2)) %" } ?? "")
          }
        }
      }
    }
  }
}

/// One point of the curve.
private struct TradeOffPoint {
  let fraction: Double
  let error: Double
}
