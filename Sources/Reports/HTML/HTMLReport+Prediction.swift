import Compress

extension HTMLReport {
  /// Foretold over true errors of the network's answers, a dot a layer: how far the allocation's weights can be trusted.
  func addPrediction(_ page: inout HTMLBuilder) {
    let probes = (report.calibration?.probes ?? []).filter { $0.predicted > 0 && $0.measured > 0 }
    guard !probes.isEmpty else { return }
    let note =
      "What each layer alone, in a form that its weight was not measured in, was foretold to do to the answers, and what "
      + "it did, as squared relative errors. On the line both are the same; above it the answers suffered more."
    addSection(&page, "Foretold and true", note) { page in
      page.element("figure", ["class": "prediction"]) { page in
        let axis = PlotAxis.decades(over: probes.flatMap { [$0.predicted, $0.measured] }, most: 8)
        let plot = Plot(width: 360, height: 230, x: axis, y: axis)
        page.element("svg", plot.attributes(title: "true over foretold error of the answers")) { page in
          let ticks = axis.decadeTicks.map { ($0, powerText($0)) }
          plot.addGrid(&page, xTicks: ticks, yTicks: ticks, xTitle: "foretold", yTitle: "true")
          let ends = [axis.decadeTicks.first, axis.decadeTicks.last].compactMap { $0 }
          plot.addLine(&page, ends.map { ($0, $0) }, kind: "other")
          for probe in probes {
            plot.addDot(
              &page, probe.predicted, probe.measured, kind: "mode1", radius: "3", title: probe.layer)
          }
        }
      }
      page.newline()
    }
  }
}
