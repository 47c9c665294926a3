extension String {
  /// The text on one line, as every message is written: names come from files and arguments, and one with a line break, an
  /// escape sequence of a terminal or a mark that turns the direction of writing would make a message say something else.
  ///
  /// Such characters become `\n`, `\t`, `\r` or `\u{1B}`; all others stay.
  public var onOneLine: String {
    guard unicodeScalars.contains(where: \.disturbsALine) else { return self }
    return unicodeScalars.reduce(into: "") { text, scalar in
      if scalar.disturbsALine {
        text += scalar.escapedForALine
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
  }
}

extension Unicode.Scalar {
  fileprivate var disturbsALine: Bool {
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: properties.isBidiControl
    }
  }

  fileprivate var escapedForALine: String {
    switch self {
    case "\n": "\\n"
    case "\t": "\\t"
    case "\r": "\\r"
    default: "\\u{\(String(value, radix: 16, uppercase: true))}"
    }
  }
}
