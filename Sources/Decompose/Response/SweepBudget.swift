/// How long alternating least squares may search: so many sweeps, of so many steps of conjugate gradients a mode.
///
/// A product with M takes nearly all of the time. The sweeps get about `multiplies` together, which is about a second, two
/// of them at least; their gains fall quickly.
struct SweepBudget {
  let sweeps: Int
  let steps: Int

  private static var multiplies: Double { 1.2e10 }

  /// The budget for products of that many multiplies, one a step and one more for each of `modes`.
  init(product: Double, modes: Int) {
    steps = product < 1e9 ? 4 : 2
    let sweep = product * Double(modes * (steps + 1))
    sweeps = max(2, Int(min(12, Self.multiplies / max(1, sweep))))
  }
}
