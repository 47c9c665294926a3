import Forms
import LinearAlgebra
import Synchronization
import Tensors

/// The data's norm of one layout and its maps in their order, found once for all forms that have it: Tucker-2 and the
/// mirrored channel form map the same channels.
///
/// **Memory** the maps, and what they explain of each response; the covariance of the features and its triangle, at most two
/// matrices n x n, are not kept.
final class FeatureMaps: Sendable {
  let norm: FeatureNorm
  /// The maps that are worth a look: from there on a pair of stages has as many weights as the dense kernel.
  let limit: Int
  private let found = Mutex<OrderedMaps?>(nil)

  init(_ problem: ResponseProblem, _ layout: FeatureLayout, limit: Int) throws(DecomposeError) {
    self.limit = limit
    norm = try reproducibly { () throws(DecomposeError) in
      try wrapping { () throws(LinearAlgebraError) in try FeatureNorm(problem, layout) }
    }
  }

  /// All maps that are worth a look, in their order; whoever asks while they are looked for waits.
  ///
  /// **Complexity** for R maps R n² + (R O)³ / 6 multiplies, and an eigenproblem of order A.
  func ordered() throws(DecomposeError) -> OrderedMaps {
    try found.withLock { known throws(DecomposeError) in
      if let known { return known }
      let maps = try reproducibly { () throws(DecomposeError) in
        try wrapping { () throws(LinearAlgebraError) in try OrderedMaps(norm, count: limit) }
      }
      known = maps
      return maps
    }
  }

  /// The maps, if somebody has asked for them: what the factors of one form need not wait for.
  var known: OrderedMaps? { found.withLock { $0 } }
}

/// Maps in their order, and what each of them adds.
struct OrderedMaps: Sendable {
  /// [R, A].
  let maps: Tensor<Double>
  /// V of all maps, [R O, T].
  let whitened: Tensor<Double>
  /// What each map adds to the explained energy.
  let gains: [Double]

  init(_ norm: FeatureNorm, count: Int) throws(LinearAlgebraError) {
    maps = try norm.leadingMaps(count)
    whitened = try norm.regression(maps).whitened
    let (rows, offsets) = (whitened.rowNorms, norm.layout.offsets)
    gains = (0..<count).map { r in
      (0..<offsets).reduce(0) { $0 + rows[r * offsets + $1] * rows[r * offsets + $1] }
    }
  }
}

/// The maps of the layouts that forms of one problem have asked for.
final class KnownFeatureMaps: Sendable {
  private let byLayout = Mutex<[FeatureLayout: FeatureMaps]>([:])

  /// The maps of a layout; `make` makes them where nobody has asked for them yet.
  func maps(
    _ layout: FeatureLayout, _ make: () throws(DecomposeError) -> FeatureMaps
  ) throws(DecomposeError) -> FeatureMaps {
    try byLayout.withLock { known throws(DecomposeError) in
      if let maps = known[layout] { return maps }
      let maps = try make()
      known[layout] = maps
      return maps
    }
  }
}
