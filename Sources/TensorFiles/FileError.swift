import Tensors

/// What is wrong with a file, by its name.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file.
  public let path: String
  /// What is wrong, and what to do about it where that is not plain.
  public let reason: String

  /// Makes an error.
  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  /// `PATH: reason`, on one line.
  public var description: String { "\(path): \(reason)".onOneLine }
}
