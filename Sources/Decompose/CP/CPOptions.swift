/// Where the iteration of a CP decomposition begins.
public enum CPStart: String, Sendable, CaseIterable {
  /// The leading singular vectors of every unfolding, completed at random where a mode has fewer than the rank.
  case hosvd
  /// The terms of largest norm of an orthogonal expansion: the kernel's principal slabs, each cut into rank-one
  /// terms by its own singular value decomposition.
  case leadingTerms = "leading-terms"
  /// Random numbers, the best of `CPOptions.restarts` draws.
  case random
}

/// How the terms of a CP decomposition are found.
public enum CPAlgorithm: String, Sendable, CaseIterable {
  /// Alternating least squares over the modes, extrapolated.
  case als
  /// One term after the other by the tensor power method on what the former ones left over (Astrid and Lee), then
  /// `CPOptions.iterations` of alternating least squares on all of them together.
  case tensorPower = "tensor-power"
}

/// What a CP decomposition may cost and how it is guarded; the defaults suit trained kernels.
public struct CPOptions: Hashable, Sendable {
  /// How the terms are found.
  public var algorithm: CPAlgorithm
  /// Where alternating least squares begins.
  public var start: CPStart
  /// The largest number of iterations of alternating least squares, each an update of every factor.
  public var iterations: Int
  /// An iteration that lowers the error by less than this part of itself is the last.
  public var tolerance: Double
  /// Random starts to try, where the start is random.
  public var restarts: Int
  /// The largest number of Levenberg-Marquardt steps after the alternating least squares.
  public var refinements: Int
  /// Whether to iterate inside a Tucker-2 compression first, where one is exact enough.
  public var compresses: Bool
  /// The norm of a component, in norms of the kernel, above which the terms cancel each other too much to be stored:
  /// the sensitivity is then lowered as far as `errorIncrease` lets it be. Nil leaves the terms as they are.
  public var componentCap: Double?
  /// How much of itself the error may grow by while the sensitivity is lowered.
  public var errorIncrease: Double
  /// The seed of everything random; the same seed gives the same factors.
  public var seed: UInt64

  /// The default options, or others.
  public init(
    algorithm: CPAlgorithm = .als, start: CPStart = .leadingTerms, iterations: Int = 50,
    tolerance: Double = 1e-5, restarts: Int = 3, refinements: Int = 0, compresses: Bool = true,
    componentCap: Double? = 4, errorIncrease: Double = 0.01, seed: UInt64 = 1
  ) {
    self.algorithm = algorithm
    self.start = start
    self.iterations = iterations
    self.tolerance = tolerance
    self.restarts = restarts
    self.refinements = refinements
    self.compresses = compresses
    self.componentCap = componentCap
    self.errorIncrease = errorIncrease
    self.seed = seed
  }
}
