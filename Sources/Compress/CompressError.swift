public import ModelGraph
import Tensors

/// Why a model could not be inspected or compressed.
public enum CompressError: Error, Sendable {
  /// The model file is at fault.
  case model(ModelError)
  /// An option is at fault.
  case option(name: String, reason: String)
}

extension CompressError: CustomStringConvertible {
  /// A sentence that says what is wrong and where, on one line.
  public var description: String {
    switch self {
    case .model(let error): error.description
    case .option(let name, let reason): "\(name): \(reason)".onOneLine
    }
  }
}
