/// One thing that the machine has to compute rightly, and how it did.
struct SelfCheck: Encodable {
  /// What was computed, and at what size.
  let name: String
  /// Who is to blame where it is wrong.
  let library: String
  /// The largest error, in units of what rounding may do.
  let error: Double
  /// Whether the error is within what rounding may do.
  var passed: Bool { error <= 1 }

  private enum CodingKeys: String, CodingKey {
    case name, library, error, passed
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(library, forKey: .library)
    // JSON has no infinity.
    try container.encode(error.isFinite ? error : Double.greatestFiniteMagnitude, forKey: .error)
    try container.encode(passed, forKey: .passed)
  }
}

/// The largest absolute difference; infinite where one side is not a number.
func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0) { worst, pair in
    let difference = abs(pair.0 - pair.1)
    return difference.isNaN ? .infinity : max(worst, difference)
  }
}
