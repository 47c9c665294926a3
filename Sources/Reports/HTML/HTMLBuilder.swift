/// A page under construction, well-formed as XML too.
///
/// Names of tags and attributes are written in the code; whatever else goes in is escaped, so that no text from outside
/// becomes markup. An element ends where its content does.
struct HTMLBuilder {
  private(set) var html = ""

  typealias Attributes = KeyValuePairs<StaticString, String>

  /// An element with content.
  mutating func element(
    _ tag: StaticString, _ attributes: Attributes = [:], _ content: (inout HTMLBuilder) -> Void
  ) {
    open(tag, attributes)
    html += ">"
    content(&self)
    html += "</\(tag)>"
  }

  /// An element with text.
  mutating func element(_ tag: StaticString, _ attributes: Attributes = [:], text: String) {
    element(tag, attributes) { $0.text(text) }
  }

  /// An element that has no content: `meta`, and the shapes of SVG.
  mutating func empty(_ tag: StaticString, _ attributes: Attributes = [:]) {
    open(tag, attributes)
    html += "/>"
  }

  /// Text, escaped.
  mutating func text(_ text: String) { html += Self.escaped(text) }

  /// A line break between elements, for people who read the source.
  mutating func newline() { html += "\n" }

  /// A style sheet, which has to be free of `<` and `&`.
  mutating func style(_ sheet: StaticString) { html += "<style>\n\(sheet)\n</style>\n" }

  /// A script, which has to be free of `<` and `&`.
  mutating func script(_ script: StaticString) { html += "<script>\n\(script)\n</script>\n" }

  private mutating func open(_ tag: StaticString, _ attributes: Attributes) {
    html += "<\(tag)"
    for (name, value) in attributes { html += " \(name)=\"\(Self.escaped(value))\"" }
  }

  /// Text as it stands in an element or in a quoted attribute. Characters that XML does not allow become U+FFFD.
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n", "\u{20}"..."\u{7E}", "\u{A0}"..."\u{FFFD}", "\u{10000}"..."\u{10FFFF}":
        result.unicodeScalars.append(character)
      default: result += "\u{FFFD}"
      }
    }
    return result
  }
}
