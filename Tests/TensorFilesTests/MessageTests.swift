import TensorFiles
import Tensors
import Testing

@Suite struct MessageTests {
  @Test(arguments: [
    ("plain", "plain"), ("größer/模型.onnx", "größer/模型.onnx"), ("👩‍👩‍👧", "👩‍👩‍👧"), ("", ""),
    ("a\nb", "a\\nb"), ("a\r\nb", "a\\r\\nb"), ("\tx", "\\tx"), ("\u{1B}[2Jx", "\\u{1B}[2Jx"),
    ("a\0b", "a\\u{0}b"), ("\u{7F}", "\\u{7F}"), ("\u{85}", "\\u{85}"), ("a\u{2028}b", "a\\u{2028}b"),
    ("\u{202E}xnno", "\\u{202E}xnno"),
  ])
  func charactersThatDisturbALineAreWrittenOut(text: String, expected: String) {
    #expect(text.onOneLine == expected)
  }

  @Test func fileErrorsAreOneLine() {
    let error = FileError(path: "a\nb.npy", reason: "tensor 'c\u{1B}d' is missing")
    #expect(error.description == "a\\nb.npy: tensor 'c\\u{1B}d' is missing")
  }
}
