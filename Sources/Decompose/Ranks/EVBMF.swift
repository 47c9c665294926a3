import Tensors

/// The rank that variational Bayes finds in a matrix: the singular values that stand out of the noise, the noise being
/// estimated from the matrix itself.
///
/// Empirical variational Bayesian matrix factorization of V = B A^T + noise has a closed form for a known noise
/// variance s²: with L <= M, a = L / M and x = g² / (M s²) for a singular value g, the component is kept where
///
///     x > x* = (1 + t*) (1 + a / t*),   t* the root of  F(t) + F(t / a) = 0,   F(z) = log(1 + z) / z - 1/2
///
/// The noise variance minimises the free energy, a sum over the singular values of
///
///     psi(x) = x - log x,   and where x > x* also  log(1 + t) + a log(1 + t / a) - t,
///     t = (x - (1 + a) + sqrt((x - (1 + a))² - 4 a)) / 2
///
/// between bounds that hold for every solution.
///
/// **Source** Nakajima, Sugiyama, Babacan, Tomioka, Global Analytic Solution of Fully-observed Variational Bayesian
/// Matrix Factorization, JMLR 14 (2013), theorems 2 and 3 and section 4.
public struct EVBMF: Hashable, Sendable {
  /// The number of components that stand out, from 0.
  public let rank: Int
  /// The estimated variance of the noise in each element.
  public let noiseVariance: Double
  /// The singular value above which components are kept.
  public let threshold: Double

  /// Estimates the rank of a matrix from its squared singular values.
  ///
  /// **Shapes** `energies`: the squared singular values, descending, min(rows, columns) of them. Ones under 16
  /// min(rows, columns) Double epsilons of the largest are rounding, and count as noise of that size.
  ///
  /// **Traps** where the number of energies is not that.
  ///
  /// **Accuracy** the global minimum of the free energy over the bounds: it is sampled at every variance where a
  /// component appears, at 256 others, and refined around the best to 1e-12.
  ///
  /// **Complexity** (L + 350) L logarithms.
  public init(energies: [Double], rows: Int, columns: Int) {
    self.init(energies: energies, rows: rows, columns: columns, scale: 1)
  }

  /// The same from the energies of the matrix times `scale`.
  init(energies: [Double], rows: Int, columns: Int, scale: Double) {
    let (short, long) = (min(rows, columns), max(rows, columns))
    precondition(
      energies.count == short && short > 0,
      "\(energies.count) squared singular values of a \(rows) x \(columns) matrix")
    guard let largest = energies.max(), largest > 0, largest.isFinite else {
      (rank, noiseVariance, threshold) = (0, 0, 0)
      return
    }
    let energy = FreeEnergy(energies: energies.map { $0 / largest }, short: short, long: long)
    let variance = energy.minimizer()
    let cut = Double(long) * variance * energy.cutoff
    rank = energy.energies.count { $0 > cut }
    noiseVariance = variance * largest / scale / scale
    threshold = (cut * largest).squareRoot() / scale
  }

  /// The rank weakened towards the full one, as in iterative compression: part of the way only.
  ///
  ///     full - factor (full - rank),   rounded down, at least `minimum`;   full where nothing stands out
  ///
  /// **Traps** where `factor` is not in 0...1.
  ///
  /// **Source** Gusak et al. arXiv 1903.09973 (MUSCO), section 2.
  public func weakenedRank(full: Int, factor: Double, minimum: Int = 1) -> Int {
    precondition(factor >= 0 && factor <= 1, "a weakening factor of \(factor)")
    guard rank > 0, full > minimum else { return full }
    return max(Int(Double(full) - factor * Double(full - rank)), minimum)
  }
}

/// The free energy of a matrix as a function of the noise variance, up to a constant, its largest energy being 1.
private struct FreeEnergy {
  let energies: [Double]
  let short: Int
  let long: Int
  /// The ratio of the extents, a.
  let ratio: Double
  /// x*, above which a component is kept.
  let cutoff: Double

  init(energies: [Double], short: Int, long: Int) {
    // What the eigenvalues of a Gram matrix carry of rounding is no noise of the kernel.
    let floor = 16 * Double(short) * Double.ulpOfOne
    self.energies = energies.map { max($0, floor) }
    self.short = short
    self.long = long
    ratio = Double(short) / Double(long)
    let root = Self.root(ratio: ratio)
    cutoff = (1 + root) * (1 + ratio / root)
  }

  /// t*, by bisection: the function falls from +1 at 0 to -1 at infinity.
  private static func root(ratio: Double) -> Double {
    func f(_ z: Double) -> Double { logarithm(1 + z) / z - 0.5 }
    // Both terms are positive under 2.5 times the ratio and negative over 2.6.
    var (low, high) = (2.5 * ratio, 2.6)
    while high - low > 4 * Double.ulpOfOne * high {
      let middle = (low + high) / 2
      if f(middle) + f(middle / ratio) > 0 { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// The free energy at a variance.
  func callAsFunction(_ variance: Double) -> Double {
    let unit = 1 / (Double(long) * variance)
    var sum = 0.0
    for energy in energies {
      let x = energy * unit
      guard x > cutoff else {
        sum += x - logarithm(x)
        continue
      }
      let shift = x - (1 + ratio)
      let t = 0.5 * (shift + max(0, shift * shift - 4 * ratio).squareRoot())
      // x - t is 1 + a + a / t, since x = (1 + t)(1 + a / t): no digits are lost where both are large.
      sum += 1 + ratio + ratio / t + logarithm((1 + t) / x) + ratio * logarithm(1 + t / ratio)
    }
    return sum
  }

  /// The bounds that hold for the best variance.
  private var bounds: ClosedRange<Double> {
    let upper = energies.reduce(0, +) / (Double(short) * Double(long))
    // No more than this many components can stand out.
    let most = min(Int((Double(short) / (1 + ratio)).rounded(.up)) - 1, short)
    let rest = energies.dropFirst(most)
    guard let next = rest.first else { return upper...upper }
    let mean = rest.reduce(0, +) / (Double(rest.count) * Double(long))
    return min(upper, max(next / (Double(long) * cutoff), mean))...upper
  }

  /// The variance of least free energy between the bounds.
  func minimizer() -> Double {
    let bounds = self.bounds
    let (low, high) = (bounds.lowerBound, bounds.upperBound)
    guard high > low else { return low }
    let steps = 256
    let growth = logarithm(high / low) / Double(steps)
    var samples = (0...steps).map { low * exponential(growth * Double($0)) }
    samples += energies.map { $0 / (Double(long) * cutoff) }.filter { $0 > low && $0 < high }
    samples.sort()
    let values = samples.map { self($0) }
    let best = values.indices.min { values[$0] < values[$1] } ?? 0
    let refined = goldenSection(samples[max(0, best - 1)], samples[min(samples.count - 1, best + 1)])
    return self(refined) < values[best] ? refined : samples[best]
  }

  /// The minimum of the free energy between two samples.
  private func goldenSection(_ a: Double, _ b: Double) -> Double {
    let fraction = (5.0.squareRoot() - 1) / 2
    var (low, high) = (a, b)
    var (left, right) = (high - fraction * (high - low), low + fraction * (high - low))
    var (valueLeft, valueRight) = (self(left), self(right))
    while high - low > 1e-12 * high {
      if valueLeft < valueRight {
        (high, right, valueRight) = (right, left, valueLeft)
        left = high - fraction * (high - low)
        valueLeft = self(left)
      } else {
        (low, left, valueLeft) = (left, right, valueRight)
        right = low + fraction * (high - low)
        valueRight = self(right)
      }
    }
    return (low + high) / 2
  }
}

extension Tucker2Analysis {
  /// What variational Bayes finds in each unfolding.
  public var variationalRanks: (output: EVBMF, input: EVBMF) {
    let (outputs, inputs) = (kernel.shape[0], kernel.shape[1])
    return (
      EVBMF(
        energies: outputSpectrum.singular(of: kernel.count, rows: outputs), rows: outputs,
        columns: kernel.count / outputs, scale: scale),
      EVBMF(
        energies: inputSpectrum.singular(of: kernel.count, rows: inputs), rows: inputs,
        columns: kernel.count / inputs, scale: scale)
    )
  }
}

extension RankAnalysis {
  /// What variational Bayes finds in the matrix that the form truncates.
  public var variationalRank: EVBMF {
    EVBMF(
      energies: spectrum, rows: spectrum.count, columns: kernel.count / max(1, spectrum.count),
      scale: spectrumScale)
  }
}

extension [Double] {
  /// The energies of a Gram matrix's side that are singular values of the unfolding: min(rows, columns) of them.
  fileprivate func singular(of count: Int, rows: Int) -> [Double] {
    Array(prefix(Swift.min(rows, count / rows)))
  }
}
