import Tensors

/// The one place where LAPACK's `info` becomes a trap or an error.
///
/// A negative `info` names a wrong argument: our bug, so it traps. A positive one is what the data brought.
func check(_ info: Int32, _ routine: String, _ extents: Shape) throws(LinearAlgebraError) {
  precondition(info >= 0, "\(routine): argument \(-info) is wrong for a matrix of \(extents)")
  guard info == 0 else { throw .notComputed(routine: routine, info: Int(info), extents: extents) }
}

/// An extent as LAPACK counts, or an error where it does not fit.
func lapackInteger(_ value: Int, _ operation: String, _ extents: Shape) throws(LinearAlgebraError) -> Int32 {
  guard let integer = Int32(exactly: value) else { throw .tooLarge(operation: operation, extents: extents) }
  return integer
}

extension Tensor {
  /// Throws unless every element is finite; LAPACK may loop or return nonsense on others.
  func requireFinite(_ operation: String) throws(LinearAlgebraError) {
    guard isFinite else { throw .notFinite(operation: operation, extents: shape) }
  }

  /// Whether no element is a NaN or an infinity.
  public var isFinite: Bool {
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    get {
      withSpan { span in
        // Exponents gathered as integers: a loop that the compiler turns into vectors, where sums or branches stay single.
        let top = Element.infinity.exponentBitPattern
        var found: Element.RawExponent = 0
        for i in span.indices { found |= span[i].exponentBitPattern == top ? 1 : 0 }
        return found == 0
      }
    }
  }
}
