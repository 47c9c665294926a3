import Compress

extension HTMLReport {
  /// Bars: what each layer's weights and multiplies were, and what is left of them.
  func addShares(_ page: inout HTMLBuilder) {
    let note =
      "The pale bar is the layer before, the full one afterwards, as parts of the model before."
    addSection(&page, "Where the weights and multiplies went", note) { page in
      page.element("div", ["class": "shares"]) { page in
        let longest = report.layers.map { layer in
          max(
            part(layer.paramsBefore, of: report.model.paramsBefore),
            part(layer.macsBefore ?? 0, of: report.model.macsBefore))
        }.max()
        for layer in report.layers { addShare(&page, layer, longest: max(longest ?? 0, 1e-9)) }
      }
    }
  }

  private func addShare(_ page: inout HTMLBuilder, _ layer: CompressionReport.Layer, longest: Double) {
    page.element("div", ["class": "share"]) { page in
      page.element("div", ["class": "share-name"]) { $0.element("bdi", text: layer.name) }
      addBar(
        &page, "weights", part(layer.paramsBefore, of: report.model.paramsBefore),
        part(layer.paramsAfter, of: report.model.paramsBefore), longest)
      if let before = layer.macsBefore, let after = layer.macsAfter {
        addBar(
          &page, "multiplies", part(before, of: report.model.macsBefore),
          part(after, of: report.model.macsBefore), longest)
      }
    }
    page.newline()
  }

  private func addBar(
    _ page: inout HTMLBuilder, _ what: String, _ before: Double, _ after: Double, _ longest: Double
  ) {
    page.element("div", ["class": "bar"]) { page in
      page.element(
        "svg", ["viewBox": "0 0 1000 10", "preserveAspectRatio": "none", "aria-hidden": "true"]
      ) { page in
        for (kind, value) in [("before", before), ("after", after)] {
          page.empty(
            "rect", ["class": kind, "width": fixed(1000 * min(1, value / longest), 1), "height": "10"])
        }
      }
      let numbers = before == after ? percentText(before) : "\(percentText(before)) → \(percentText(after))"
      page.element("span", text: "\(what) \(numbers)")
    }
  }

  private func part(_ count: Int, of total: Int) -> Double { total > 0 ? Double(count) / Double(total) : 0 }
}
