public import Gradients
public import ModelGraph
public import Network
import Tensors

/// What is wrong with a network that is to be tuned, or with what it is tuned on.
public enum TuneError: Error, Sendable {
  /// The model could not be read.
  case model(ModelError)
  /// The teacher could not be run.
  case network(NetworkError)
  /// The network could not be run forward and backward.
  case gradient(GradientError)
  /// The network as a whole cannot be tuned.
  case graph(reason: String)
  /// The images, the labels or the teacher's outputs do not fit.
  case data(reason: String)
  /// The processes that tune together do not hear of each other any more.
  case group(reason: String)
  /// More memory than the options allow.
  case memory(byteCount: Int, limit: Int)

  /// What a body that has to do with gradients makes, its errors as this module's.
  static func wrapping<Result>(
    _ body: () throws(GradientError) -> Result
  ) throws(TuneError) -> Result {
    do throws(GradientError) { return try body() } catch { throw .gradient(error) }
  }
}

extension TuneError: CustomStringConvertible {
  /// A sentence that names the place and the fault, on one line.
  public var description: String {
    let sentence =
      switch self {
      case .model(let error): error.description
      case .network(let error): error.description
      case .gradient(let error): error.description
      case .graph(let reason), .data(let reason), .group(let reason): reason
      case .memory(let byteCount, let limit):
        "one image takes \(byteCount) bytes in training, more than the \(limit) allowed: give smaller images, or more"
          + " with --memory"
      }
    return sentence.onOneLine
  }
}
