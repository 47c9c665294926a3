import Compress
import Synchronization
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A line on the terminal that says how far long work has come and how long the rest may take; nothing where standard error is
/// not a terminal, or one that cannot rewrite a line.
final class ProgressBar: Sendable {
  private let isTerminal = Terminal.rewritesLines
  private let clock = ContinuousClock()
  /// When the work under way began, and how far it had come when it was last shown.
  private let began: Mutex<(at: ContinuousClock.Instant, done: Int)>
  private static let width = 30

  init() { began = Mutex((ContinuousClock().now, 0)) }

  func show(_ progress: Progress) {
    let (done, total) = (progress.done, progress.total)
    guard isTerminal, total > 0 else { return }
    let filled = Self.width * done / total
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
    let label = progress.layer.onOneLine.prefix(40)
    rewrite("\(progress.task.rawValue) [\(bar)] \(done)/\(total) \(timeLeft(done, total))\(label)")
  }

  /// What is left if it goes on as it has gone; nothing before a second has passed. Work that begins anew counts anew.
  private func timeLeft(_ done: Int, _ total: Int) -> String {
    let now = clock.now
    let start = began.withLock { state in
      if done < state.done { state.at = now }
      state.done = done
      return state.at
    }
    let seconds = Double((now - start).components.seconds)
    guard done > 0, done < total, seconds >= 1 else { return "" }
    let left = Int(seconds * Double(total - done) / Double(done)) + 1
    return left < 60 ? "\(left) s left, " : "\(left / 60) min \(left % 60) s left, "
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
