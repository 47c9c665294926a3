import Compress

/// What `compress` did, as JSON: the fields of the compression's report, and `tuning` where the network learnt afterwards.
struct CompressionOutcome: Encodable {
  let compression: CompressionReport
  let tuning: TuneReport?

  private enum Key: CodingKey { case tuning }

  func encode(to encoder: any Encoder) throws {
    try compression.encode(to: encoder)
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encodeIfPresent(tuning, forKey: .tuning)
  }
}
