/// A number with groups of three digits: `1 234 567`.
package func grouped(_ number: Int) -> String {
  let digits = Array(String(number.magnitude))
  var text = number < 0 ? "-" : ""
  for (index, digit) in digits.enumerated() {
    if index > 0 && (digits.count - index) % 3 == 0 { text += " " }
    text.append(digit)
  }
  return text
}

/// A cost: counts in groups of three digits, others with two behind the point.
package func grouped(_ cost: Double) -> String { Int(exactly: cost).map(grouped) ?? fixed(cost, 2) }

/// A number with a fixed count of digits behind the point.
package func fixed(_ value: Double, _ digits: Int) -> String {
  guard value.isFinite else { return String(value) }
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let scaled = (value * scale).rounded()
  guard scaled.magnitude < 1e15 else { return String(value) }
  let whole = Int(scaled.magnitude)
  let text = String(whole)
  let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
  let sign = scaled < 0 ? "-" : ""
  return digits == 0 ? sign + padded : sign + padded.dropLast(digits) + "." + padded.suffix(digits)
}

/// A number with four digits or some more, however small.
package func significant(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return "\(value)" }
  var digits = 4
  var scaled = value.magnitude
  while scaled < 1, digits < 12 {
    scaled *= 10
    digits += 1
  }
  while scaled >= 10, digits > 0 {
    scaled /= 10
    digits -= 1
  }
  return fixed(value, digits)
}

/// Milliseconds, to a thousandth where they are few: `0.136 ms`, `24.31 ms`, `242.5 ms`.
package func millisecondsText(_ ms: Double) -> String { "\(fixed(ms, ms < 10 ? 3 : ms < 100 ? 2 : 1)) ms" }

/// A fraction as whole percent.
package func percent(_ fraction: Double) -> String { "\(fixed(100 * fraction, 0)) %" }

/// A kernel's extents and groups: `64x32x3x3`, `64x1x3x3 /64`.
package func kernelText(_ extents: [Int], _ groups: Int) -> String {
  guard !extents.isEmpty else { return "?" }
  return extents.map(String.init).joined(separator: "x") + (groups > 1 ? " /\(groups)" : "")
}
