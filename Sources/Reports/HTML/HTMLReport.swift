public import Compress

/// A compression report as one page for the browser: nothing from a network, readable on a phone and in the dark, and
/// without its one script, which sorts tables.
///
/// The first screen answers what a user asks: how much faster, how much smaller, how near to the original, and what was
/// not looked at. Below are the layers that matter, worst error first, the others folded away; the spectra where the
/// report has them (`CompressionOptions.recordsSpectra`). It depends on its values alone: the same compression gives the
/// same bytes. All text from the model is escaped.
public struct HTMLReport: Sendable {
  /// What to call the model.
  public var model: String
  /// The report to show.
  public var report: CompressionReport
  /// The options that led to it.
  public var options: CompressionOptions
  /// What other budgets would have cost; nil without a budget.
  public var tradeOff: TradeOff?
  /// Where the page comes from; nil where nobody says.
  public var origin: Origin?

  /// What a reader needs to make the same page again.
  public struct Origin: Sendable {
    /// The command as it was given.
    public var command: String
    /// The program's version.
    public var version: String
    /// The day, as 2026-11-29.
    public var date: String

    /// Puts them together.
    public init(command: String, version: String, date: String) {
      (self.command, self.version, self.date) = (command, version, date)
    }
  }

  /// A page about a compression of `model`.
  public init(
    model: String, report: CompressionReport, options: CompressionOptions, tradeOff: TradeOff? = nil,
    origin: Origin? = nil
  ) {
    self.model = model
    self.report = report
    self.options = options
    self.tradeOff = tradeOff
    self.origin = origin
  }

  /// The page, in UTF-8 when written; well-formed as XML too.
  ///
  /// **Complexity** some ten kilobytes a layer.
  public var html: String {
    var page = HTMLBuilder()
    page.element("html", ["lang": "en"]) { page in
      page.newline()
      page.element("head") { addHead(&$0) }
      page.newline()
      page.element("body") { page in
        page.element("main") { page in
          page.newline()
          addSummary(&page)
          page.element("div", ["class": "figures"]) { page in
            addEvidence(&page)
            addTradeOff(&page)
            addPrediction(&page)
          }
          page.newline()
          addPictures(&page)
          addLayers(&page)
          addSpectra(&page)
          addOptions(&page)
        }
        page.script(Self.sorting)
      }
    }
    return "<!DOCTYPE html>\n\(page.html)\n"
  }

  private func addHead(_ page: inout HTMLBuilder) {
    page.newline()
    page.empty("meta", ["charset": "utf-8"])
    page.empty("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
    page.empty("meta", ["name": "color-scheme", "content": "light dark"])
    page.empty(
      "meta",
      [
        "http-equiv": "Content-Security-Policy",
        "content":
          "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '\(Self.sortingHash)'",
      ])
    page.newline()
    page.element("title", text: "\(model): low-rank report")
    page.newline()
    page.style(Self.style)
  }

  /// A section with its heading and a sentence on how to read it.
  func addSection(
    _ page: inout HTMLBuilder, _ title: String, _ note: String, _ content: (inout HTMLBuilder) -> Void
  ) {
    page.element("section") { page in
      page.element("h2", text: title)
      page.element("p", ["class": "note"], text: note)
      page.newline()
      content(&page)
    }
    page.newline()
  }
}

extension CompressionReport.Layer {
  /// The form with its ranks, as on the command line: `tucker2:16,8`.
  var formText: String {
    isFactored ? "\(method):\(ranks.map(String.init).joined(separator: ","))" : "kept"
  }

  /// The error that counts: on data that were not fitted to, on those that were, or of the weights.
  var tellingError: Double { heldOutError ?? dataError ?? relativeError }
}
