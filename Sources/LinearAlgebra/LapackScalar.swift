public import Tensors

/// A scalar that BLAS and LAPACK have routines for: `Float` (s) and `Double` (d).
public protocol LapackScalar: Scalar {
  /// The routines of the type's precision.
  static var routines: LapackRoutines<Self> { get }
}
