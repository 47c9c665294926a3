import Decompose
import Forms
import Foundation
import ModelGraph
import ONNX
import Tensors
import TestSupport
import Testing

@testable import Compress
@testable import Reports

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct HTMLReportTests {
  /// A report with names as an enemy would choose them.
  private func hostile() -> HTMLReport {
    let names = [
      "<script>alert(1)</script>", "\"' onload=x", "]]>&amp;&", "\u{0}\u{1B}[31m\u{FFFE}", "\u{202E}gnp.exe",
      "",
      String(repeating: "w", count: 5000),
    ]
    let spectrum = LayerSpectrum(curves: [
      LayerSpectrum.Curve(name: "mode1", energies: [3, 2, 1]),
      LayerSpectrum.Curve(name: "<b>", energies: []),
    ])
    let layers = names.map { name in
      CompressionReport.Layer(
        name: name, op: name, kernelShape: [3, 2, 1, 1], group: 1, method: "tucker2", ranks: [2, 1],
        relativeError: 0.25, errorBound: 0.5, paramsBefore: 6, paramsAfter: 5, macsBefore: .max,
        macsAfter: nil,
        foldedBatchNormalization: false, reason: name == names[0] ? name : nil, spectrum: spectrum)
    }
    let model = CompressionReport.Model(
      paramsBefore: 0, paramsAfter: 0, macsBefore: .max, macsAfter: .max, bytesBefore: 1, bytesAfter: 1)
    var options = CompressionOptions()
    (options.layers, options.skip) = (names[0], names[1])
    options.inputShapes = [names[2]: [1, 2]]
    let report = CompressionReport(model: model, layers: layers, allocation: nil, elapsedSeconds: .nan)
    return HTMLReport(model: names[0], report: report, options: options)
  }

  private func example(
    _ change: (inout CompressionOptions) -> Void = { _ in }
  ) throws -> (CompressionReport, HTMLReport) {
    var options = CompressionOptions()
    options.recordsSpectra = true
    change(&options)
    var model = try ModelGraph(onnx: Vectors.example("mnist.onnx"))
    guard options.budget != nil else {
      let report = try model.compress(options)
      return (report, HTMLReport(model: "mnist.onnx", report: report, options: options))
    }
    let candidates = try ModelCandidates(model, options)
    let report = try model.compress(candidates)
    let tradeOff = candidates.tradeOff(points: 12)
    return (report, HTMLReport(model: "mnist.onnx", report: report, options: options, tradeOff: tradeOff))
  }

  @Test func namesFromOutsideStayText() throws {
    let html = hostile().html
    let reader = try PageReader(html)
    #expect(!reader.tags.contains("b") && reader.scripts == ["\n\(HTMLReport.sorting)\n"])
    #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    #expect(!html.unicodeScalars.contains("\u{0}") && !html.unicodeScalars.contains("\u{1B}"))
  }

  @Test func attributesFromOutsideStayText() throws {
    var builder = HTMLBuilder()
    builder.element("p", ["title": "\" onload='x' & <b>"], text: "")
    builder.empty("hr", ["class": "\"/><script>"])
    #expect(
      builder.html
        == "<p title=\"&quot; onload=&#39;x&#39; &amp; &lt;b&gt;\"></p><hr class=\"&quot;/&gt;&lt;script&gt;\"/>"
    )
  }

  @Test func thePageNeedsNothingElse() throws {
    let (_, page) = try example()
    let reader = try PageReader(page.html)
    #expect(
      reader.tags.isDisjoint(with: ["link", "img", "iframe", "object", "a", "use", "image", "foreignObject"]))
    #expect(reader.attributes.isDisjoint(with: ["src", "href", "xlink:href", "style"]))
    #expect(!reader.attributes.contains { $0.hasPrefix("on") })
    #expect(!page.html.contains("url(") && !page.html.contains("http:") && !page.html.contains("https:"))
  }

  /// The one script is the one that the page's policy names; a browser lets no other run.
  @Test func thePolicyLetsTheOwnScriptRunAlone() throws {
    let (_, page) = try example()
    let reader = try PageReader(page.html)
    let script = try #require(reader.scripts.first)
    #expect(reader.scripts.count == 1)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
    let (input, output) = (Pipe(), Pipe())
    (process.standardInput, process.standardOutput) = (input, output)
    try process.run()
    input.fileHandleForWriting.write(Data(script.utf8))
    try input.fileHandleForWriting.close()
    let digits = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).prefix(64)
    let bytes = stride(from: 0, to: 64, by: 2).compactMap { place in
      UInt8(digits.dropFirst(place).prefix(2), radix: 16)
    }
    #expect(bytes.count == 32 && HTMLReport.sortingHash == "sha256-\(Data(bytes).base64EncodedString())")
    #expect(page.html.contains("script-src &#39;\(HTMLReport.sortingHash)&#39;"))
  }

  /// The first screen says what was not looked at, and gives the figures where it was.
  @Test func theFirstScreenSaysWhatItRestsOn() throws {
    var (report, page) = try example { $0.budget = .multiplies(0.5) }
    #expect(page.html.contains("No data were looked at") && page.html.contains("Time was not looked at"))
    report.time = CompressionReport.Time(
      runtime: "lowrank", threads: 1, denseMs: 8, predictedMs: 4, measuredMs: 4.2, rounds: 2)
    report.calibration = CompressionReport.Calibration(
      samples: 48, heldOut: 12, positions: 9000, fit: "asymmetric",
      outputs: [.init(name: "classes", relativeError: 0.123, uncalibratedError: 0.9, agreement: 0.985)],
      probes: [.init(layer: "odd layer", predicted: 0.01, measured: 0.02)])
    page.report = report
    let html = page.html
    #expect(!html.contains("No data were looked at") && !html.contains("Time was not looked at"))
    for text in [
      "8.000 ms → 4.200 ms measured", "52.5 %", "98.5 %", "error 0.123, 0.900 without data", "off by 5 %",
    ] {
      #expect(html.contains(text), "\(text)")
    }
    let reader = try PageReader(html)
    #expect(html.contains("<title>odd layer</title>") && reader.classes.contains("prediction"))
  }

  /// Fewer multiplies that are no fewer milliseconds are said to be so.
  @Test func aNetworkThatIsNoFasterIsSaidToBe() throws {
    var (report, page) = try example { $0.budget = .multiplies(0.5) }
    func time(_ measured: Double, predicted: Double? = nil) -> CompressionReport.Time {
      CompressionReport.Time(
        runtime: "lowrank", threads: 2, denseMs: 52, predictedMs: predicted, measuredMs: measured, rounds: 0)
    }
    report.time = time(78)
    page.report = report
    #expect(page.html.contains("52.00 ms → 78.00 ms measured") && page.html.contains("150 %"))
    #expect(page.html.contains("no faster") && page.html.contains("--latency 0.5 shares out"))
    report.time = time(26)
    #expect(report.timeWarning == nil && report.time?.isFaster == true)
    page.report = report
    #expect(!page.html.contains("no faster") && page.html.contains("least of a few runs"))
    // Where milliseconds were asked for there is no other budget to point to.
    report.time = time(52, predicted: 26)
    #expect(report.timeWarning?.contains("no faster") == true)
    #expect(report.timeWarning?.contains("--latency") == false)
    (report.time, report.notTimed) = (nil, "it has a loop")
    page.report = report
    #expect(page.html.contains("Time was not looked at (it has a loop)"))
  }

  /// A name as it stands in the page, which may be broken behind slashes.
  private func shown(_ name: String) -> String {
    "<bdi>\(name.replacingOccurrences(of: "/", with: "/<wbr/>"))</bdi>"
  }

  /// Layers that matter come with the worst error first; those kept are named under their reasons.
  @Test func worstLayersComeFirst() throws {
    let (report, page) = try example { $0.method = .only(.tucker2) }
    let kept = report.layers.filter { !$0.isFactored }
    let worst = report.layers.filter(\.isFactored).sorted { $0.relativeError > $1.relativeError }
    #expect(worst.count > 1 && worst.map(\.name) != report.layers.filter(\.isFactored).map(\.name))
    let html = page.html
    let section = try #require(html.range(of: "<h2>Layers</h2>"))
    let places = worst.compactMap {
      html.range(of: shown($0.name), range: section.upperBound..<html.endIndex)
    }
    #expect(places.count == worst.count)
    #expect(places.map(\.lowerBound) == places.map(\.lowerBound).sorted())
    #expect(kept.isEmpty || html.contains("\(kept.count) layers kept as they are"))
  }

  /// Every layer is named, every spectrum drawn with the ranks that were chosen.
  @Test func everyLayerIsShown() throws {
    let (report, page) = try example { $0.method = .only(.tucker2) }
    let html = page.html
    for layer in report.layers {
      #expect(html.contains(shown(layer.name)) && (!layer.isFactored || html.contains(layer.formText)))
      guard layer.isFactored else { continue }
      let unfolded = layer.relativeErrorUnfolded.map { "\(fixed($0, 4)) unfolded" }
      #expect((unfolded != nil) == layer.foldedBatchNormalization && html.contains(unfolded ?? layer.name))
      let spectrum = try #require(layer.spectrum)
      for (curve, rank) in zip(spectrum.curves, layer.ranks) {
        #expect(curve.rank(method: layer.method, ranks: layer.ranks) == rank)
      }
      #expect(html.contains("output channels: \(layer.ranks[0]) of \(layer.kernelShape[0])"))
    }
    let drawn = report.layers.filter { $0.spectrum != nil }.count
    #expect(html.components(separatedBy: "energy left out over the rank").count == drawn + 1)
    #expect(!html.contains("The trade-off"))
  }

  @Test func aBudgetShowsItsTradeOff() throws {
    let (report, page) = try example {
      $0.budget = .multiplies(0.5)
      $0.method = .only(.tucker2)
    }
    let reader = try PageReader(page.html)
    #expect(page.html.contains("The trade-off"))
    // A dot for each of the twelve budgets but the whole, whose error is nothing; and the ring.
    let dots = reader.classes.filter { $0 == "dot mode1" || $0 == "dot ring" }.count
    let tuckered = report.layers.filter { $0.method == "tucker2" }.count
    #expect(dots == 11 + 1 + tuckered)
    let fractions = try #require(page.tradeOff).points.map(\.fraction)
    #expect(fractions.count == 12 && fractions == fractions.sorted() && fractions.last == 1)
    #expect(page.tradeOff?.points.allSatisfy { $0.cost != nil } == true)
  }

  /// What was counted and lost is named as its measures have it.
  @Test func measuresFromOutsideAreNamed() throws {
    var (_, page) = try example { $0.budget = .weights(0.5) }
    #expect(page.html.contains("weights kept") && page.html.contains("sum of squared errors"))
    page.options.error = LoudError()
    #expect(page.html.contains("decibels") && !page.html.contains("sum of squared errors"))
  }

  /// The page depends on the model and the options alone, and the spectra change nothing else.
  @Test func sameCompressionSamePage() throws {
    let first = try example { $0.threads = 1 }
    var second = try example { $0.threads = 2 }
    #expect(first.1.html == second.1.html)
    let plain = try example { $0.recordsSpectra = false }.0
    #expect(plain.layers.allSatisfy { $0.spectrum == nil })
    for place in second.0.layers.indices { second.0.layers[place].spectrum = nil }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    second.0.elapsedSeconds = plain.elapsedSeconds
    #expect(try encoder.encode(second.0) == encoder.encode(plain))
  }
}

/// The error of the weights under another name.
private struct LoudError: ErrorMeasure {
  let title = "decibels"
  let phrase = "noise"

  func analysis(
    of kernel: Tensor<Float>, group: Int, layer: MeasuredLayer, kind: FormKind
  ) throws(DecomposeError) -> any FormAnalysis {
    try WeightError().analysis(of: kernel, group: group, layer: layer, kind: kind)
  }

  func error(of layer: MeasuredLayer, in candidate: RankedForm) -> Double { candidate.relativeError }
}

/// What a page is made of, as a strict XML parser sees it.
private final class PageReader: NSObject, XMLParserDelegate {
  private(set) var tags = Set<String>()
  private(set) var attributes = Set<String>()
  private(set) var classes: [String] = []
  private(set) var scripts: [String] = []
  private var isInScript = false

  /// **Throws** where the page is not well-formed.
  init(_ html: String) throws {
    super.init()
    let parser = XMLParser(data: Data(html.utf8))
    parser.delegate = self
    if !parser.parse() { throw parser.parserError ?? CocoaError(.fileReadCorruptFile) }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes values: [String: String]
  ) {
    tags.insert(name)
    attributes.formUnion(values.keys)
    classes += values["class"].map { [$0] } ?? []
    isInScript = name == "script"
    if isInScript { scripts.append("") }
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    if isInScript { scripts[scripts.count - 1] += text }
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    isInScript = false
  }
}
