import Decompose

extension HTMLReport {
  /// A count with groups of three digits that no line break parts.
  func numberText(_ number: Int) -> String {
    String(grouped(number).map { $0 == " " ? "\u{A0}" : $0 })
  }

  /// A cost: counts as such, others with two digits behind the point.
  func numberText(_ cost: Double) -> String { Int(exactly: cost).map(numberText) ?? fixed(cost, 2) }

  /// A fraction in percent, to 0.1 %: `50 %`, `62.5 %`, `< 0.1 %`.
  func percentText(_ fraction: Double) -> String {
    if fraction > 0 && fraction < 0.0005 { return "< 0.1 %" }
    let text = fixed(100 * fraction, 1)
    return "\(text.hasSuffix(".0") ? String(text.dropLast(2)) : text) %"
  }

  /// A power of ten without needless digits: `100`, `0.01`, `1e-5`.
  func powerText(_ value: Double) -> String {
    if value > 0 && value < 9e-4 { return "1e\(Int((logarithm(value) / logarithm(10)).rounded()))" }
    var digits = 0
    var scaled = value
    while scaled < 0.99 && digits < 12 { (digits, scaled) = (digits + 1, scaled * 10) }
    return fixed(value, digits)
  }
}
