import LinearAlgebra
import TensorCore

/// One search for a CP: compression, start, iterations on the core, iterations on the whole tensor.
struct CPSearch<Element: LapackScalar> {
  /// [T, taps, S].
  let tensor: Tensor<Element>
  let spatial: [Int]
  let rank: Int
  let options: CPOptions
  private let energy: Double
  private var errors: [Double] = []
  private var converged = false

  init(tensor: Tensor<Element>, spatial: [Int], rank: Int, options: CPOptions) {
    self.tensor = tensor
    self.spatial = spatial
    self.rank = rank
    self.options = options
    energy = tensor.squaredNorm
  }

  /// How the iterations went so far.
  var report: ConvergenceReport {
    ConvergenceReport(sweeps: errors.count, converged: converged, errors: errors)
  }

  /// Iterations that the whole tensor gets after those on the core.
  private var polishing: Int { max(2, options.iterations / 20) }

  mutating func run() throws(LinearAlgebraError) -> CPModel<Element> {
    let compression = try CPCompression(tensor)
    var starter = CPStarter(
      core: compression.core, spatial: spatial, rank: rank, random: SplitMix64(seed: options.seed))
    var model = try starter.model(options.start)
    if options.compresses && compression.pays {
      let sweeps = CPSweeps(compression.core, spatial: spatial, model: model)
      iterate(sweeps, outside: compression.discarded, limit: options.iterations - polishing)
      model = sweeps.model()
    }
    let sweeps = CPSweeps(tensor, spatial: spatial, model: compression.expanded(model))
    iterate(sweeps, outside: 0, limit: max(polishing, options.iterations - errors.count))
    return sweeps.model()
  }

  /// Iterates until the error stands still, `limit` iterations are done, or the residual on a core falls under what
  /// the compression itself left out.
  private mutating func iterate(_ sweeps: CPSweeps<Element>, outside: Double, limit: Int) {
    var residual = Double.infinity
    var steps = 0
    converged = false
    for _ in 0..<limit {
      // Nesterov's weights, held under 0.9; a rise of the error begins them anew.
      let beta = min(0.9, Double(steps) / Double(steps + 3))
      let next = max(0, sweeps.iterate(beta: beta))
      guard next <= residual else {
        sweeps.restoreFormer()
        record(residual + outside)
        // Without extrapolation only rounding raises the error: nothing is left to gain.
        if steps == 0 {
          converged = true
          return
        }
        steps = 0
        continue
      }
      let gain = 1 - (next + outside).squareRoot() / (residual + outside).squareRoot()
      residual = next
      record(residual + outside)
      if gain < options.tolerance || residual < 1e-3 * Double(Element.ulpOfOne) * energy {
        converged = true
        return
      }
      if residual < outside { return }
      steps += 1
    }
  }

  /// The formula for the residual rounds at the root of epsilon: a rise below that is none.
  private mutating func record(_ residual: Double) {
    errors.append(min(errors.last ?? .infinity, (residual / energy).squareRoot()))
  }
}
