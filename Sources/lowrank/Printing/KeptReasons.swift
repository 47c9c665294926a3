import Tensors

/// Why layers are kept, each reason once below their table: most layers have the same.
struct KeptReasons {
  private var reasons: [String] = []

  /// What stands in the table for a reason.
  mutating func mark(_ reason: String) -> String {
    if !reasons.contains(reason) { reasons.append(reason) }
    return "keep (\((reasons.firstIndex(of: reason) ?? 0) + 1))"
  }

  /// The reasons by their marks.
  var lines: [String] { reasons.enumerated().map { "(\($0 + 1)) kept: \($1.onOneLine)" } }
}
