public import TensorFiles
internal import Tensors

/// What is wrong with a model.
public enum ModelError: Error, Sendable {
  /// A file could not be read or written.
  case file(FileError)
  /// The whole is not a model that can be worked on.
  case model(path: String, reason: String)
  /// A tensor of the model is broken.
  case tensor(path: String, name: String, reason: String)
  /// A node of the model is broken.
  case node(path: String, name: String, reason: String)
}

extension ModelError: CustomStringConvertible {
  /// A sentence that names the file, the place and the fault, on one line.
  public var description: String {
    let sentence =
      switch self {
      case .file(let error): error.description
      case .model(let path, let reason): "\(path): \(reason)"
      case .tensor(let path, let name, let reason): "\(path): tensor '\(name)': \(reason)"
      case .node(let path, let name, let reason): "\(path): node '\(name)': \(reason)"
      }
    return sentence.onOneLine
  }
}
