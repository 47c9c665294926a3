public import ModelGraph
public import Network
import Tensors

/// Why a network cannot be run forward and backward.
public enum GradientError: Error, Sendable {
  /// The model could not be read.
  case model(ModelError)
  /// The network could not be run.
  case network(NetworkError)
  /// A node on the way back that there is no gradient for, or whose setting there is none for.
  case node(name: String, opType: String, reason: String)
  /// The network as a whole does not fit what is asked of it.
  case graph(reason: String)
}

extension GradientError: CustomStringConvertible {
  /// A sentence that names the place and the fault, on one line.
  public var description: String {
    let sentence =
      switch self {
      case .model(let error): error.description
      case .network(let error): error.description
      case .node(let name, let opType, let reason): "node '\(name)' (\(opType)): \(reason)"
      case .graph(let reason): reason
      }
    return sentence.onOneLine
  }
}
