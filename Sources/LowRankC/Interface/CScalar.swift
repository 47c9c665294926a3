internal import CLowRank
internal import LinearAlgebra

/// An element type of the C interface: the names of its functions, and its number.
protocol CScalar: LapackScalar {
  static var suffix: String { get }
  static var type: lowrank_type { get }
}

extension Float: CScalar {
  static var suffix: String { "f32" }
  static var type: lowrank_type { LOWRANK_FLOAT32 }
}

extension Double: CScalar {
  static var suffix: String { "f64" }
  static var type: lowrank_type { LOWRANK_FLOAT64 }
}
