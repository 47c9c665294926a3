import Compress

extension HTMLReport {
  /// The layers: those that matter with the worst error first, then, folded away, those that matter little and those that
  /// were kept, by reason.
  func addLayers(_ page: inout HTMLBuilder) {
    let whole = max(report.layers.reduce(0) { $0 + weight($1) }, .leastNormalMagnitude)
    let factored = report.layers.filter(\.isFactored).sorted { $0.tellingError > $1.tellingError }
    // All of them where no single one matters much.
    let large = factored.filter { weight($0) >= 0.01 * whole }
    let shown = large.isEmpty ? factored : large
    let rest = large.isEmpty ? [] : factored.filter { weight($0) < 0.01 * whole }
    addSection(&page, "Layers", layersNote) { page in
      if shown.isEmpty {
        page.element("p", ["class": "note"], text: "No layer was factored; below is why.")
      } else {
        addTable(&page, shown, whole)
      }
      if !rest.isEmpty {
        page.element("details") { page in
          let part = percentText(rest.reduce(0) { $0 + weight($1) } / whole)
          page.element(
            "summary", text: "\(rest.count) more that were factored, \(part) of the \(weightName) together")
          addTable(&page, rest, whole)
        }
      }
      addKept(&page, whole)
    }
  }

  private var layersNote: String {
    let error =
      report.calibration == nil
      ? "The error is ||K - K'|| / ||K|| of the kernel as written; where a BatchNormalization was folded, of the kernel "
        + "that it scaled, and below that of the kernel without it."
      : "The error is that of the layer's responses on held-out inputs, as a part of how they vary; below are those on "
        + "the inputs of the fit and of the kernel itself."
    return error + " The pale bar is the layer's part of all \(weightName) before, the full one what is left."
  }

  /// What layers are compared by: time where it is known, else multiplies, else weights.
  private var weightName: String {
    if report.layers.contains(where: { $0.msBefore != nil }) { return "milliseconds" }
    return report.layers.contains { $0.macsBefore != nil } ? "multiplies" : "weights"
  }

  private func weight(_ layer: CompressionReport.Layer) -> Double { share(layer).before }

  private func share(_ layer: CompressionReport.Layer) -> (before: Double, after: Double) {
    switch weightName {
    case "milliseconds": (layer.msBefore ?? 0, layer.msAfter ?? layer.msBefore ?? 0)
    case "multiplies": (Double(layer.macsBefore ?? 0), Double(layer.macsAfter ?? 0))
    default: (Double(layer.paramsBefore), Double(layer.paramsAfter))
    }
  }

  // MARK: Tables

  private func addTable(_ page: inout HTMLBuilder, _ layers: [CompressionReport.Layer], _ whole: Double) {
    page.element("table", ["class": "layers"]) { page in
      page.element("thead") { page in
        page.element("tr") { page in
          for title in ["layer", "form", "kernel", "error", weightName, "weights", "multiplies"] {
            page.element("th", ["scope": "col", "data-sort": "up"], text: title)
          }
        }
      }
      page.newline()
      let longest = layers.map(weight).max() ?? 0
      page.element("tbody") { page in
        for layer in layers { addRow(&page, layer, whole, longest: longest) }
      }
    }
    page.newline()
  }

  private func addRow(
    _ page: inout HTMLBuilder, _ layer: CompressionReport.Layer, _ whole: Double, longest: Double
  ) {
    page.element("tr") { page in
      page.element("th", ["scope": "row"]) { page in
        addName(&page, layer.name)
        page.element("span", ["class": "op"], text: layer.op)
      }
      page.element("td", ["data-label": "form", "class": "form"]) { page in
        page.text(layer.formText)
        if layer.foldedBatchNormalization {
          page.element("span", ["class": "reason"], text: "BatchNormalization folded")
        }
      }
      page.element("td", ["data-label": "kernel"], text: kernelText(layer.kernelShape, layer.group))
      addError(&page, layer)
      addShare(&page, share(layer), whole, longest)
      addCount(&page, "weights", layer.paramsBefore, layer.paramsAfter)
      addCount(&page, "multiplies", layer.macsBefore, layer.macsAfter)
    }
    page.newline()
  }

  private func addError(_ page: inout HTMLBuilder, _ layer: CompressionReport.Layer) {
    page.element(
      "td", ["data-label": "error", "class": "number", "data-value": String(layer.tellingError)]
    ) { page in
      page.text(fixed(layer.tellingError, 4))
      var more: [String] = []
      if layer.heldOutError != nil, let fit = layer.dataError { more.append("\(fixed(fit, 4)) fitted") }
      if layer.dataError != nil { more.append("\(fixed(layer.relativeError, 4)) of the kernel") }
      if let unfolded = layer.relativeErrorUnfolded { more.append("\(fixed(unfolded, 4)) unfolded") }
      for text in more { page.element("span", ["class": "reason"], text: text) }
    }
  }

  private func addShare(
    _ page: inout HTMLBuilder, _ share: (before: Double, after: Double), _ whole: Double, _ longest: Double
  ) {
    page.element(
      "td", ["data-label": "part", "class": "bar", "data-value": String(share.before)]
    ) { page in
      page.element(
        "svg", ["viewBox": "0 0 1000 10", "preserveAspectRatio": "none", "aria-hidden": "true"]
      ) { page in
        for (kind, value) in [("before", share.before), ("after", share.after)] {
          let width = longest > 0 ? 1000 * min(1, value / longest) : 0
          page.empty("rect", ["class": kind, "width": fixed(width, 1), "height": "10"])
        }
      }
      page.element("span", text: "\(percentText(share.before / whole)) → \(percentText(share.after / whole))")
    }
  }

  private func addCount(_ page: inout HTMLBuilder, _ label: String, _ before: Int?, _ after: Int?) {
    page.element(
      "td", ["data-label": label, "class": "number", "data-value": String(before ?? 0)]
    ) { page in
      guard let before else { return page.text("unknown") }
      page.text(numberText(before) + (after == nil ? "" : " →"))
      // On a line of its own: two of ten digits side by side are wider than a page has room for.
      if let after { page.element("span", ["class": "count"], text: numberText(after)) }
    }
  }

  // MARK: Kept layers

  /// Why layers were kept, each reason once with the layers that it is true of.
  private func addKept(_ page: inout HTMLBuilder, _ whole: Double) {
    let kept = report.layers.filter { !$0.isFactored }
    guard !kept.isEmpty else { return }
    var reasons: [(reason: String, layers: [CompressionReport.Layer])] = []
    for layer in kept {
      // What differs from layer to layer in a reason, its figures, stands in the table of the command and in the JSON.
      let reason = generalReason(layer.reason ?? "")
      if let place = reasons.firstIndex(where: { $0.reason == reason }) {
        reasons[place].layers.append(layer)
      } else {
        reasons.append((reason, [layer]))
      }
    }
    page.element("details") { page in
      let part = percentText(kept.reduce(0) { $0 + weight($1) } / whole)
      page.element(
        "summary", text: "\(kept.count) layers kept as they are, \(part) of the \(weightName) together")
      page.element("dl", ["class": "kept"]) { page in
        for (reason, layers) in reasons {
          page.element("dt", text: "\(reason) (\(layers.count))")
          page.element("dd") { page in
            for (place, layer) in layers.enumerated() {
              if place > 0 { page.text(", ") }
              addName(&page, layer.name)
            }
          }
        }
      }
    }
    page.newline()
  }

  /// A reason without the figures of one layer: forms that would not pay are one reason.
  private func generalReason(_ reason: String) -> String {
    reason.contains(" would need ") ? "no form would save enough" : reason
  }

  /// A name that may be broken behind its slashes.
  private func addName(_ page: inout HTMLBuilder, _ name: String) {
    page.element("bdi") { page in
      for (place, part) in name.split(separator: "/", omittingEmptySubsequences: false).enumerated() {
        if place > 0 {
          page.text("/")
          page.empty("wbr")
        }
        page.text(String(part))
      }
    }
  }
}
