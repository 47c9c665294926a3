#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A line on the terminal that says how far long work has come; nothing where standard error is not a terminal.
struct ProgressBar {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private static let width = 30

  func show(done: Int, of total: Int, label: String) {
    guard isTerminal, total > 0 else { return }
    let filled = Self.width * done / total
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
    rewrite("[\(bar)] \(done)/\(total) \(label.prefix(40))")
  }

  func finish() {
    guard isTerminal else { return }
    rewrite("")
  }

  /// Puts `text` in the place of the line.
  private func rewrite(_ text: String) {
    let bytes = Array("\r\u{1B}[K\(text)".utf8)
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
