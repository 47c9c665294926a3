import Compress

extension HTMLReport {
  /// The table of the layers; on a phone, one card a layer.
  func addLayers(_ page: inout HTMLBuilder) {
    let note =
      "The error is ||K - K'|| / ||K|| of the kernel as written; where a BatchNormalization was folded, of the kernel "
      + "that it scaled, and below that of the kernel without it. A layer that gains nothing stays as it is."
    addSection(&page, "Layers", note) { page in
      page.element("table", ["class": "layers"]) { page in
        page.element("thead") { page in
          page.element("tr") { page in
            for title in ["layer", "form", "kernel", "error", "weights", "multiplies"] {
              page.element("th", ["scope": "col"], text: title)
            }
          }
        }
        page.newline()
        page.element("tbody") { page in
          for layer in report.layers { addRow(&page, layer) }
        }
      }
    }
  }

  private func addRow(_ page: inout HTMLBuilder, _ layer: CompressionReport.Layer) {
    page.element("tr", layer.isFactored ? [:] : ["class": "kept"]) { page in
      page.element("th", ["scope": "row"]) { page in
        addName(&page, layer.name)
        page.element("span", ["class": "op"], text: layer.op)
      }
      page.element("td", ["data-label": "form", "class": "form"]) { page in
        page.text(layer.formText)
        if let reason = layer.reason { page.element("span", ["class": "reason"], text: reason) }
        if layer.foldedBatchNormalization {
          page.element("span", ["class": "reason"], text: "BatchNormalization folded")
        }
      }
      addCell(&page, "kernel", kernelText(layer.kernelShape, layer.group))
      page.element("td", ["data-label": "error"]) { page in
        page.text(layer.isFactored ? fixed(layer.relativeError, 4) : "0")
        if let unfolded = layer.relativeErrorUnfolded {
          page.element("span", ["class": "reason"], text: "\(fixed(unfolded, 4)) unfolded")
        }
      }
      addCell(
        &page, "weights", changeText(layer.paramsBefore, layer.isFactored ? layer.paramsAfter : nil))
      addCell(
        &page, "multiplies",
        layer.macsBefore.map { changeText($0, layer.isFactored ? layer.macsAfter : nil) } ?? "unknown")
    }
    page.newline()
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

  private func addCell(_ page: inout HTMLBuilder, _ label: String, _ text: String) {
    page.element("td", ["data-label": label], text: text)
  }

  private func changeText(_ before: Int, _ after: Int?) -> String {
    after.map { "\(numberText(before)) → \(numberText($0))" } ?? numberText(before)
  }
}
