public import ModelGraph
import Tensors

/// What is wrong with a network, or with what it is given.
public enum NetworkError: Error, Sendable {
  /// The model could not be read.
  case model(ModelError)
  /// An operator, or one of its settings, that this engine lacks, or a node that contradicts itself.
  case node(name: String, opType: String, reason: String)
  /// A constant that is broken, or that there is no arithmetic for.
  case constant(name: String, reason: String)
  /// An input that is missing, unknown, or of another type or shape.
  case input(name: String, reason: String)
  /// An output that there is none of.
  case output(name: String, reason: String)
  /// More memory than the options allow.
  case memory(what: String, byteCount: Int?, limit: Int)
}

extension NetworkError: CustomStringConvertible {
  /// A sentence that names the place and the fault, on one line.
  public var description: String {
    let sentence =
      switch self {
      case .model(let error): error.description
      case .node(let name, let opType, let reason): "node '\(name)' (\(opType)): \(reason)"
      case .constant(let name, let reason): "tensor '\(name)': \(reason)"
      case .input(let name, let reason): "input '\(name)': \(reason)"
      case .output(let name, let reason): "output '\(name)': \(reason)"
      case .memory(let what, let byteCount, let limit):
        "\(what) takes \(byteCount.map { "\($0) bytes" } ?? "more bytes than there are numbers for"), more than the"
          + " \(limit) allowed"
      }
    return sentence.onOneLine
  }
}
