#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Inputs from the standard input, answers to the standard output.
struct InputPipe {
  private var buffer: [UInt8] = []
  private var place = 0

  /// The next input; nil where there are no more.
  mutating func next() -> [UInt8]? {
    guard let length = take(4) else { return nil }
    return take(length.reversed().reduce(0) { $0 << 8 | Int($1) })
  }

  /// Sends the answer to the last input; one that nobody reads ends the process, as nothing would be left to do.
  func answer(_ answer: Answer) {
    var byte = answer.rawValue
    guard write(STDOUT_FILENO, &byte, 1) == 1 else { exit(1) }
  }

  private mutating func take(_ count: Int) -> [UInt8]? {
    while buffer.count - place < count {
      buffer.removeFirst(place)
      place = 0
      let more = [UInt8](unsafeUninitializedCapacity: 1 << 16) { bytes, filled in
        filled = max(0, read(STDIN_FILENO, bytes.baseAddress, bytes.count))
      }
      guard !more.isEmpty else { return nil }
      buffer += more
    }
    defer { place += count }
    return Array(buffer[place..<(place + count)])
  }
}

/// A line on the standard error.
func writeLine(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = write(STDERR_FILENO, bytes, bytes.count)
}
