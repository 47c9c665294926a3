internal import CLowRank
internal import Decompose
internal import LinearAlgebra
internal import Tensors

/// An element type of the C interface: the names of its functions, and its place among the handles.
protocol CScalar: LapackScalar {
  static var suffix: String { get }
  static var type: lowrank_type { get }
  static func wrap(_ decomposition: StoredDecomposition<Self>) -> AnyDecomposition
  static func wrap(_ plan: StoredPlan<Self>) -> AnyPlan
}

extension Float: CScalar {
  static var suffix: String { "f32" }
  static var type: lowrank_type { LOWRANK_FLOAT32 }
  static func wrap(_ decomposition: StoredDecomposition<Float>) -> AnyDecomposition { .float(decomposition) }
  static func wrap(_ plan: StoredPlan<Float>) -> AnyPlan { .float(plan) }
}

extension Double: CScalar {
  static var suffix: String { "f64" }
  static var type: lowrank_type { LOWRANK_FLOAT64 }
  static func wrap(_ decomposition: StoredDecomposition<Double>) -> AnyDecomposition {
    .double(decomposition)
  }
  static func wrap(_ plan: StoredPlan<Double>) -> AnyPlan { .double(plan) }
}
