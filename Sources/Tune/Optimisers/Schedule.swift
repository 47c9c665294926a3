#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The learning rate of each step: a straight rise over the first twentieth, then half a cosine down to a hundredth.
///
/// **Source** Loshchilov and Hutter, arXiv 1608.03983, without restarts.
struct Schedule: Sendable {
  let peak: Double
  let steps: Int

  /// The step at which rates begin to fall.
  private var warmUp: Int { max(1, steps / 20) }

  /// The rate of a step.
  func rate(_ step: Int) -> Double {
    if step < warmUp { return peak * Double(step + 1) / Double(warmUp) }
    let part = Double(step - warmUp) / Double(max(1, steps - warmUp))
    return peak * (0.01 + 0.99 * 0.5 * (1 + cos(.pi * min(1, part))))
  }

  /// Whether rates are down to a quarter of the peak for good, which is so in the last third: at higher ones weights are tossed
  /// about, and a loss that does not fall says nothing of what the low ones will bring.
  func isLate(_ step: Int) -> Bool { step >= warmUp && rate(step) <= 0.25 * peak }
}
