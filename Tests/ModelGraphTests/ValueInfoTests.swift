import ModelGraph
import Testing

@Suite struct ValueInfoTests {
  /// The first open input is named, and no control character of its name gets to a terminal.
  @Test func theOptionForShapesNamesAnInput() {
    let fixed = ValueInfo(name: "fixed", type: .tensor(.float32, shape: [.known(1)]))
    let open = ValueInfo(name: "im\nage\u{1B}[31m", type: .tensor(.float32, shape: [.known(1), .open]))
    let text = ValueInfo.shapeOption([fixed, open])
    #expect(text.hasPrefix("--input-shape im") && text.hasSuffix("=..."))
    #expect(text.unicodeScalars.allSatisfy { $0.value >= 32 })
    #expect(ValueInfo.shapeOption([fixed]) == "--input-shape NAME=...")
  }
}
