public import ModelGraph
public import Network
import Tensors

/// What is wrong with a network that is to be tuned, or with what it is tuned on.
public enum TuneError: Error, Sendable {
  /// The model could not be read.
  case model(ModelError)
  /// The network could not be run.
  case network(NetworkError)
  /// A node on the way to a weight that there is no gradient for, or whose setting there is none for.
  case node(name: String, opType: String, reason: String)
  /// The network as a whole cannot be tuned.
  case graph(reason: String)
  /// The images, the labels or the teacher's outputs do not fit.
  case data(reason: String)
  /// The processes that tune together do not hear of each other any more.
  case group(reason: String)
  /// More memory than the options allow.
  case memory(byteCount: Int, limit: Int)
}

extension TuneError: CustomStringConvertible {
  /// A sentence that names the place and the fault, on one line.
  public var description: String {
    let sentence =
      switch self {
      case .model(let error): error.description
      case .network(let error): error.description
      case .node(let name, let opType, let reason): "node '\(name)' (\(opType)): \(reason)"
      case .graph(let reason), .data(let reason), .group(let reason): reason
      case .memory(let byteCount, let limit):
        "one image takes \(byteCount) bytes in training, more than the \(limit) allowed: give smaller images, or more"
          + " with --memory"
      }
    return sentence.onOneLine
  }
}
