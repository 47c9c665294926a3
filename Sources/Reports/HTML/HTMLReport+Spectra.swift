import Compress
import Decompose
import Forms

extension HTMLReport {
  /// A picture a layer: how much of the kernel's energy remains outside each rank.
  func addSpectra(_ page: inout HTMLBuilder) {
    let layers = report.layers.filter { $0.spectrum?.curves.isEmpty == false }
    guard !layers.isEmpty else { return }
    let note =
      "The part of a kernel's energy that lies beyond a rank, on a logarithmic scale: the faster a curve falls, the more "
      + "a low rank saves. Dots mark the ranks chosen; the dashed line is the energy that the factored layer misses, its "
      + "error squared."
    page.element("details", ["class": "section"]) { page in
      page.element("summary", text: "Spectra of \(layers.count) layers")
      page.element("p", ["class": "note"], text: note)
      page.element("div", ["class": "spectra"]) { page in
        for layer in layers {
          guard let spectrum = layer.spectrum else { continue }
          page.element("figure") { addSpectrum(&$0, layer, shown(spectrum, layer)) }
          page.newline()
        }
      }
    }
    page.newline()
  }

  /// The two modes and the chosen form's own curve; where neither is there, all curves.
  private func shown(_ spectrum: LayerSpectrum, _ layer: CompressionReport.Layer) -> [LayerSpectrum.Curve] {
    let curves = spectrum.curves.filter { curve in
      curve.isMode || curve.rank(method: layer.method, ranks: layer.ranks) != nil
    }
    return curves.isEmpty ? spectrum.curves : curves
  }

  private func addSpectrum(
    _ page: inout HTMLBuilder, _ layer: CompressionReport.Layer, _ curves: [LayerSpectrum.Curve]
  ) {
    page.element("figcaption") { page in
      page.element("bdi", ["class": "name"], text: layer.name)
      page.element("span", ["class": "detail"], text: captionText(layer))
    }
    let ranks = curves.compactMap { curve in
      curve.ranks.last.map { max($0, curve.rank(method: layer.method, ranks: layer.ranks) ?? 0) }
    }
    let plot = Plot(
      width: 320, height: 190, x: PlotAxis(low: 0, high: Double(max(1, ranks.max() ?? 1))),
      y: PlotAxis(low: -4, high: 0, isLogarithmic: true))
    page.element("svg", plot.attributes(title: "energy left out over the rank")) { page in
      plot.addGrid(
        &page, xTicks: PlotAxis.rankTicks(upTo: ranks.max() ?? 1).map { (Double($0), String($0)) },
        yTicks: [(1, "100 %"), (0.1, "10 %"), (0.01, "1 %"), (0.001, "0.1 %"), (0.0001, "0.01 %")],
        xTitle: "rank", yTitle: "energy left out")
      if layer.isFactored {
        plot.addLevel(&page, layer.relativeError * layer.relativeError, kind: "level")
      }
      for curve in curves { addCurve(&page, plot, curve, layer) }
    }
    addLegend(&page, layer, curves)
  }

  private func captionText(_ layer: CompressionReport.Layer) -> String {
    let kernel = kernelText(layer.kernelShape, layer.group)
    guard layer.isFactored else { return "\(kernel), kept" }
    let missed = percentText(layer.relativeError * layer.relativeError)
    return
      "\(kernel), \(layer.formText), error \(fixed(layer.relativeError, 3)): \(missed) of the energy missed"
  }

  private func addCurve(
    _ page: inout HTMLBuilder, _ plot: Plot, _ curve: LayerSpectrum.Curve, _ layer: CompressionReport.Layer
  ) {
    let points = zip(curve.ranks, curve.remaining).map { (Double($0), $1) }
    plot.addLine(&page, points, kind: curve.kind)
    guard let rank = curve.rank(method: layer.method, ranks: layer.ranks) else { return }
    let remaining = curve.remaining(at: rank)
    plot.addDrop(&page, Double(rank), remaining, kind: curve.kind)
    plot.addDot(&page, Double(rank), remaining, kind: curve.kind, radius: "4")
  }

  private func addLegend(
    _ page: inout HTMLBuilder, _ layer: CompressionReport.Layer, _ curves: [LayerSpectrum.Curve]
  ) {
    page.element("ul", ["class": "legend"]) { page in
      for curve in curves {
        page.element("li", ["class": curve.kind]) { page in
          let rank = curve.rank(method: layer.method, ranks: layer.ranks)
          page.text(
            curve.title + (rank.map { ": \($0) of \(curve.fullRank)" } ?? ", \(curve.fullRank) at most"))
        }
      }
    }
  }
}

extension SpectrumCurve {
  /// What the curve is of; nil for names of no form.
  private var spectrum: Spectrum? {
    FormKind.lowRank.lazy.flatMap(\.ranks).map(\.spectrum).first { $0.name == name }
  }

  /// Whether the curve is that of a mode, not of a single form.
  fileprivate var isMode: Bool { spectrum == .outputChannels || spectrum == .inputChannels }

  /// The class of the curve in the style sheet: those of matrices whose rows are output channels, input channels, and others.
  fileprivate var kind: String {
    switch spectrum {
    case .outputChannels, .matrix: "mode1"
    case .inputChannels: "mode2"
    default: "other"
    }
  }

  /// What the curve is, for people.
  fileprivate var title: String { spectrum?.title ?? name }

  /// The remaining energy at a rank, between the ranks of the curve on a straight line.
  fileprivate func remaining(at rank: Int) -> Double {
    guard let place = ranks.firstIndex(where: { $0 >= rank }) else { return remaining.last ?? 0 }
    guard place > 0, ranks[place] > rank else { return remaining[place] }
    let part = Double(rank - ranks[place - 1]) / Double(ranks[place] - ranks[place - 1])
    return remaining[place - 1] + part * (remaining[place] - remaining[place - 1])
  }
}
