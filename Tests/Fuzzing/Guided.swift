#if GUIDED
  import Foundation

  @_silgen_name("LLVMFuzzerRunDriver")
  private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ take: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
  ) -> Int32

  /// The parser of this process; libFuzzer's callback knows nothing but the bytes.
  nonisolated(unsafe) private var guided = Parser.npy

  /// Has libFuzzer make inputs for the parser; the arguments behind its name are libFuzzer's.
  func runGuided(_ parser: Parser) -> Never {
    guided = parser
    let words = [CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2)
    var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    var count = Int32(words.count)
    let status = pointers.withUnsafeMutableBufferPointer { buffer in
      guard var base = buffer.baseAddress else { return Int32(1) }
      return runDriver(&count, &base) { bytes, count in
        let input = Array(UnsafeBufferPointer(start: bytes, count: count))
        // What dies is kept by libFuzzer, so what is wrong dies.
        if [.badError, .wrong].contains(guided.answer(to: input)) { abort() }
        return 0
      }
    }
    exit(status)
  }
#endif
