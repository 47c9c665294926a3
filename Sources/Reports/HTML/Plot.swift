import Decompose

/// One axis of a picture.
struct PlotAxis {
  /// The ends; for a logarithmic axis their powers of ten.
  let low: Double
  let high: Double
  var isLogarithmic = false

  /// The place of a value, 0 at the low end, 1 at the high one; beyond them where the value is.
  func place(_ value: Double) -> Double {
    // A hundred decades down is nothing.
    let value = isLogarithmic ? (value > 1e-100 ? logarithm(value) / logarithm(10) : -100) : value
    return high > low ? (value - low) / (high - low) : 0
  }

  /// A logarithmic axis over positive values, in whole decades: at least one, at most `most` down from the largest.
  static func decades(over values: [Double], most: Double = 4) -> PlotAxis {
    let powers = values.filter { $0 > 0 }.map { logarithm($0) / logarithm(10) }
    let high = (powers.max() ?? 0).rounded(.up)
    let low = max(high - most, (powers.min() ?? 0).rounded(.down))
    return PlotAxis(low: min(low, high - 1), high: high, isLogarithmic: true)
  }

  /// The powers of ten of a logarithmic axis.
  var decadeTicks: [Double] { stride(from: low, through: high, by: 1).map { power(10, $0) } }

  /// Four or five round ranks from 0 on.
  static func rankTicks(upTo last: Int) -> [Int] {
    var step = 1
    while last / step > 5 { step *= 2 }
    return Array(stride(from: 0, through: last, by: step))
  }
}

/// The frame of a picture in SVG: a plain grid, and curves over it.
struct Plot {
  let width: Double
  let height: Double
  let x: PlotAxis
  let y: PlotAxis

  // The margins.
  private var left: Double { 52 }
  private var right: Double { 22 }
  private var top: Double { 18 }
  private var bottom: Double { 32 }

  private func across(_ value: Double) -> Double {
    left + min(1, max(0, x.place(value))) * (width - left - right)
  }

  private func down(_ value: Double) -> Double {
    height - bottom - min(1, max(0, y.place(value))) * (height - top - bottom)
  }

  private func text(_ value: Double) -> String { fixed(value, 1) }

  /// What the `svg` element has to say.
  func attributes(title: String) -> HTMLBuilder.Attributes {
    ["viewBox": "0 0 \(fixed(width, 0)) \(fixed(height, 0))", "role": "img", "aria-label": title]
  }

  /// The grid with its numbers and what the axes are.
  func addGrid(
    _ page: inout HTMLBuilder, xTicks: [(Double, String)], yTicks: [(Double, String)], xTitle: String,
    yTitle: String
  ) {
    for (value, label) in yTicks {
      let height = text(down(value))
      page.empty(
        "line", ["class": "grid", "x1": text(left), "x2": text(width - right), "y1": height, "y2": height])
      page.element(
        "text", ["x": text(left - 6), "y": text(down(value) + 3.5), "text-anchor": "end"], text: label)
    }
    for (value, label) in xTicks {
      page.element(
        "text", ["x": text(across(value)), "y": text(height - bottom + 14), "text-anchor": "middle"],
        text: label)
    }
    page.element(
      "text",
      [
        "class": "axis", "x": text((left + width - right) / 2), "y": text(height - 4),
        "text-anchor": "middle",
      ],
      text: xTitle)
    page.element("text", ["class": "axis", "x": "2", "y": "10"], text: yTitle)
  }

  /// A curve through points, up to where it leaves the picture below.
  func addLine(_ page: inout HTMLBuilder, _ points: [(Double, Double)], kind: String) {
    var path = ""
    var last: (Double, Double)?
    for point in points {
      let place = y.place(point.1)
      guard place < 0, let before = last else {
        path += "\(path.isEmpty ? "M" : "L")\(text(across(point.0))) \(text(down(point.1)))"
        last = point
        continue
      }
      let from = y.place(before.1)
      let part = from > place ? max(0, from) / (from - place) : 0
      let end = across(before.0) + part * (across(point.0) - across(before.0))
      path += "L\(text(end)) \(text(height - bottom))"
      break
    }
    page.empty("path", ["class": "curve \(kind)", "d": path])
  }

  /// A dot on a curve, on the edge of the picture where it lies beyond.
  ///
  /// `title` is shown where the pointer rests on it.
  func addDot(
    _ page: inout HTMLBuilder, _ x: Double, _ y: Double, kind: String, radius: String, title: String? = nil
  ) {
    let attributes: HTMLBuilder.Attributes = [
      "class": "dot \(kind)", "cx": text(across(x)), "cy": text(down(y)), "r": radius,
    ]
    guard let title else { return page.empty("circle", attributes) }
    page.element("circle", attributes) { $0.element("title", text: title) }
  }

  /// A line from a point down to the axis.
  func addDrop(_ page: inout HTMLBuilder, _ x: Double, _ y: Double, kind: String) {
    let place = text(across(x))
    page.empty(
      "line",
      ["class": "drop \(kind)", "x1": place, "x2": place, "y1": text(down(y)), "y2": text(height - bottom)])
  }

  /// A line across at a height.
  func addLevel(_ page: inout HTMLBuilder, _ y: Double, kind: String) {
    let height = text(down(y))
    page.empty(
      "line", ["class": kind, "x1": text(left), "x2": text(width - right), "y1": height, "y2": height])
  }
}
