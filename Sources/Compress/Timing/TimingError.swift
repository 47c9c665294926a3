import ModelGraph
public import Network
public import TensorFiles
import Tensors

/// Why a model could not be priced in milliseconds or compressed by them.
public enum TimingError: Error, Sendable {
  /// The model cannot be compressed, whatever is counted.
  case compression(CompressError)
  /// The network does not run here.
  case network(NetworkError)
  /// A file is at fault.
  case file(FileError)
  /// A table of times is not of this model.
  case table(reason: String)
  /// Another runtime is missing or refuses the model.
  case runtime(name: String, reason: String)
}

extension TimingError: CustomStringConvertible {
  /// A sentence that says what is wrong and where, on one line.
  public var description: String {
    switch self {
    case .compression(let error): error.description
    case .network(let error): error.description
    case .file(let error): error.description
    case .table(let reason): reason.onOneLine
    case .runtime(let name, let reason): "\(name): \(reason)".onOneLine
    }
  }
}
