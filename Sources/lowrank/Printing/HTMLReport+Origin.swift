import Reports

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension HTMLReport.Origin {
  /// The command as it was called, by this version, today.
  static var thisRun: HTMLReport.Origin {
    let words = ["lowrank"] + CommandLine.arguments.dropFirst().map(Self.quoted)
    return HTMLReport.Origin(
      command: words.joined(separator: " "), version: LowRankVersion.number,
      date: Date.now.formatted(.iso8601.year().month().day()))
  }

  /// A word as a shell takes it: between quotes where it holds more than plain characters.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.unicodeScalars.allSatisfy { scalar in
      scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
        || "-_./=,:+%@".unicodeScalars.contains(scalar)
    }
    guard word.isEmpty || !isPlain else { return word }
    return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}
