public import LinearAlgebra
public import Tensors

/// Why a kernel could not be factored as asked.
public enum DecomposeError: Error, Hashable, Sendable {
  /// The kernel holds a NaN or an infinity.
  case notFinite(kernel: Shape)
  /// The kernel's numbers leave the range that products of them can be summed in.
  case outOfRange(kernel: Shape)
  /// A rank is not between 1 and what the kernel allows.
  case rankOutOfRange(name: String, rank: Int, allowed: ClosedRange<Int>, kernel: Shape)
  /// The kernel has an extent of 0, or too few axes, or axes that the form has no place for.
  case unsuitableKernel(form: String, kernel: Shape, reason: String)
  /// The sums over a layer's data cannot be fitted to.
  case unsuitableMoments(kernel: Shape, reason: String)
  /// LAPACK failed on the kernel.
  case linearAlgebra(LinearAlgebraError)
}

extension DecomposeError: CustomStringConvertible {
  /// A sentence that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .notFinite(let kernel):
      "the kernel of \(kernel) holds a NaN or an infinity; a trained weight must be finite"
    case .outOfRange(let kernel):
      "the numbers of the kernel of \(kernel) are too large, too small or too far apart to be factored: scale them to "
        + "the size of trained weights"
    case .rankOutOfRange(let name, let rank, let allowed, let kernel):
      "the \(name) \(rank) is out of range for a kernel of \(kernel): choose \(allowed.lowerBound) to "
        + "\(allowed.upperBound)"
    case .unsuitableKernel(let form, let kernel, let reason):
      "a kernel of \(kernel) has no \(form) form: \(reason)"
    case .unsuitableMoments(let kernel, let reason):
      "the sums over the data of the kernel of \(kernel) are of no use: \(reason)"
    case .linearAlgebra(let error):
      error.description
    }
  }
}

/// Runs a decomposition with BLAS on one thread: LAPACK and BLAS add up in another order on several, and factors that
/// depend on the machine's load or an option cannot be compared. Layers are what threads are for.
func reproducibly<R>(_ body: () throws(DecomposeError) -> R) throws(DecomposeError) -> R {
  try BLASLibrary.withThreads(1, body)
}

/// Runs linear algebra and passes its errors on as `DecomposeError`.
func wrapping<R>(_ body: () throws(LinearAlgebraError) -> R) throws(DecomposeError) -> R {
  do { return try body() } catch { throw .linearAlgebra(error) }
}

extension Tensor where Element: LapackScalar {
  /// Throws unless the tensor is a kernel with channels, at least one element and finite numbers.
  func requireKernel(form: String) throws(DecomposeError) {
    guard shape.order >= 2 else {
      throw .unsuitableKernel(
        form: form, kernel: shape, reason: "it needs output and input channels, [T, S, ...]")
    }
    guard count > 0 else {
      throw .unsuitableKernel(form: form, kernel: shape, reason: "one of its extents is 0")
    }
    guard isFinite else { throw .notFinite(kernel: shape) }
    // The reciprocal of a smaller number, which would bring the kernel to unit size, is infinite.
    let largest = largestMagnitude()
    guard largest == 0 || largest >= Element.leastNormalMagnitude else { throw .outOfRange(kernel: shape) }
  }
}

/// Throws unless `rank` is in `1...limit`.
func requireRank(_ rank: Int, _ name: String, upTo limit: Int, kernel: Shape) throws(DecomposeError) {
  guard rank >= 1 && rank <= limit else {
    throw .rankOutOfRange(name: name, rank: rank, allowed: 1...limit, kernel: kernel)
  }
}
