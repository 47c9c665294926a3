internal import CLowRank
internal import Decompose
internal import Forms
internal import Tensors

/// What is refused before it is tried: sizes that BLAS's and LAPACK's 32-bit integers, `Int`, or the machine cannot
/// hold. The modules below trap on them.
enum Limits {
  /// One extent or rank.
  static var extent: Int { Int(Int32.max) }
  /// The elements of one kernel or factor: every extent of every unfolding stays within BLAS's integers.
  static var count: Int { Int(Int32.max) }
  /// The order of an eigenproblem or the shorter side of a singular value decomposition: LAPACK's workspace, up to
  /// seven times the square, stays within its integers.
  static var eigenproblem: Int { 16384 }
  /// The same where the eigenproblem is in Float, as in CP: LAPACK tells its workspace, about twice the square, as a
  /// Float, which is exact up to 2^24.
  static var floatEigenproblem: Int { 2894 }
  /// A spatial extent with its padding.
  static var paddedExtent: Int { 1 << 24 }
  /// The rows of an image: a plan tries heights of bands one after the other.
  static var rows: Int { 1 << 20 }
  /// The elements of one map with all padding. With all the factors of a layout (64 threads, 49 points of Winograd's
  /// tiles for 4, 8 bytes) still within `Int`.
  static var map: Int { 1 << 46 }

  /// Throws where malloc has not this many bytes: an allocation of Swift's that fails would end the process.
  static func requireMemory(_ bytes: Double, for what: String) throws(Failure) {
    guard bytes < Double(1 << 46), CMessagesCanAllocate(Int(bytes)) else {
      throw Failure(LOWRANK_TOO_LARGE, "\(what) needs about \(Int(min(bytes, 1e18)) >> 20) MiB, too much")
    }
  }
}

extension Limits {
  /// Throws where factoring a kernel is beyond LAPACK's integers or the machine's memory.
  static func requireFactorable(_ shape: Shape, _ form: FactoredForm, elementBytes: Int) throws(Failure) {
    let demand = form.kind.decomposition?.demand(kernel: shape, ranks: form.ranks)
    let sides = demand?.eigenproblems ?? []
    let isFloat = elementBytes == MemoryLayout<Float>.stride && demand?.keepsPrecision == true
    let limit = isFloat ? floatEigenproblem : eigenproblem
    let working = 8 * Double(shape.count) + (demand?.scratch ?? 0)
    guard sides.allSatisfy({ $0 <= limit }) else {
      throw Failure(
        LOWRANK_TOO_LARGE, "\(form) of a kernel of \(shape) needs an eigenproblem of an order over \(limit)")
    }
    let squares = sides.reduce(0.0) { $0 + Double($1) * Double($1) }
    try requireMemory(working * Double(elementBytes) + 64 * squares, for: "\(form) of a kernel of \(shape)")
  }
}
