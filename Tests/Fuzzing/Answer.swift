/// What became of an input; the raw value is the byte that is sent back.
enum Answer: UInt8 {
  /// It was read, and what was asked of it holds.
  case accepted = 0x61  // a
  /// It was refused with an error as errors are to be.
  case refused = 0x72  // r
  /// It was refused with an error that is no sentence on one line, or does not name the input.
  case badError = 0x65  // e
  /// It was read, and something that always holds does not.
  case wrong = 0x77  // w
}

/// Something that holds for every input that is read did not.
struct BrokenPromise: Error {
  let what: String
}
