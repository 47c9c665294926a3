public import Tensors

/// What the data, not the caller, made impossible.
public enum LinearAlgebraError: Error, Hashable, Sendable {
  /// A LAPACK routine returned a positive `info`: it did not converge, or a matrix was singular or not positive
  /// definite.
  case notComputed(routine: String, info: Int, extents: Shape)
  /// A matrix holds a NaN or an infinity.
  case notFinite(operation: String, extents: Shape)
  /// A matrix is larger than LAPACK's 32-bit integers can count.
  case tooLarge(operation: String, extents: Shape)
}

extension LinearAlgebraError: CustomStringConvertible {
  /// A sentence that says what failed, on what, and what to do.
  public var description: String {
    switch self {
    case .notComputed(let routine, let info, let extents):
      "LAPACK's \(routine) failed on a matrix of \(extents) (info \(info)): it did not converge, or the matrix is "
        + "singular; scale the values or add a small ridge"
    case .notFinite(let operation, let extents):
      "the \(operation) of a matrix of \(extents) needs finite numbers, but it holds a NaN or an infinity"
    case .tooLarge(let operation, let extents):
      "the \(operation) of a matrix of \(extents) is larger than LAPACK's 32-bit integers can count"
    }
  }
}
