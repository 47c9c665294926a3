internal import CLowRank

/// Why a call is answered with something else than `LOWRANK_OK`.
struct Failure: Error {
  let status: lowrank_status
  /// A sentence that says what is wrong, for `lowrank_last_error`.
  let message: String

  init(_ status: lowrank_status, _ message: String) {
    self.status = status
    self.message = message
  }
}

/// Runs the body of an exported function: what it throws becomes a status, and a message for the calling thread.
func guarded(_ function: String, _ body: () throws(Failure) -> Void) -> lowrank_status {
  do {
    try body()
    return LOWRANK_OK
  } catch {
    var text = "\(function): \(error.message)"
    text.withUTF8 { utf8 in
      utf8.withMemoryRebound(to: CChar.self) { bytes in
        if let base = bytes.baseAddress { CMessagesSet(base, bytes.count) }
      }
    }
    return error.status
  }
}
