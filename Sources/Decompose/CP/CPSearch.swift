import LinearAlgebra
import Tensors

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
  private var wasCorrected = false
  /// Where the iterations began, on the whole tensor; zero before they did.
  private(set) var start: CPModel<Element>

  /// The relative error under which residuals in Float, known to an epsilon of the whole, are no guide.
  private static var singleReach: Double { 1e-2 }

  init(tensor: Tensor<Element>, spatial: [Int], rank: Int, options: CPOptions) {
    self.tensor = tensor
    self.spatial = spatial
    self.rank = rank
    self.options = options
    energy = tensor.squaredNorm
    start = CPModel(
      modes: ([tensor.shape[0], tensor.shape[2]] + spatial).map { Tensor<Element>(shape: [rank, $0]) })
  }

  /// How the iterations went so far.
  var report: ConvergenceReport {
    ConvergenceReport(sweeps: errors.count, converged: converged, errors: errors)
  }

  /// Whether an error measured on the factors is not the one that the iterations arrived at, to what the correction and
  /// rounding may add: the start and zero then are worth a look.
  func distrusts(_ error: Double) -> Bool {
    guard let last = errors.last, !wasCorrected else { return true }
    return !(error <= min(1, last * (1 + 1e-3) + 1e-3))
  }

  /// Iterations that the whole tensor gets after those on the core.
  private var polishing: Int { min(options.iterations, max(2, options.iterations / 20)) }

  mutating func run() throws(LinearAlgebraError) -> CPModel<Element> {
    var random = SeededGenerator(seed: options.seed)
    let compression = try CPCompression(tensor)
    let compresses = options.compresses && compression.pays
    var model = try firstModel(in: compression, random: &random)
    start = compression.expanded(model)
    if compresses {
      model.revive(&random)
      let sweeps = CPSweeps(compression.core, spatial: spatial, model: model)
      iterate(sweeps, outside: compression.discarded, limit: options.iterations - polishing)
      model = sweeps.model()
    }
    model = compression.expanded(model)
    model.revive(&random)
    let sweeps = CPSweeps(tensor, spatial: spatial, model: model)
    iterate(sweeps, outside: 0, limit: max(polishing, options.iterations - errors.count))
    model = sweeps.model()
    guard let last = errors.last, last < Self.singleReach, Element.self != Double.self else {
      return try corrected(refined(model)).converted()
    }
    let precise = CPSweeps<Double>(tensor.converted(), spatial: spatial, model: model.converted())
    iterate(precise, outside: 0, limit: options.iterations)
    return try corrected(refined(precise.model())).converted()
  }

  /// The model of the compressed core where the sweeps begin.
  private func firstModel(
    in compression: CPCompression<Element>, random: inout SeededGenerator
  ) throws(LinearAlgebraError) -> CPModel<Element> {
    if options.algorithm == .tensorPower {
      var power = TensorPower(compression.core, spatial: spatial)
      return power.model(rank: rank)
    }
    var starter = CPStarter(core: compression.core, spatial: spatial, rank: rank, random: random)
    defer { random = starter.random }
    var best = try starter.model(options.start)
    guard options.start == .random, options.restarts > 1 else { return best }
    var least = Double.infinity
    let trials = [best] + (1..<options.restarts).map { _ in starter.randomModel() }
    let sweeps = CPSweeps(compression.core, spatial: spatial, model: best)
    for trial in trials {
      sweeps.load(trial)
      var residual = Double.infinity
      for _ in 0..<max(1, options.iterations / 4) { residual = sweeps.iterate(beta: 0) }
      if residual < least { (least, best) = (residual, sweeps.model()) }
    }
    return best
  }

  /// Levenberg-Marquardt steps on the whole tensor, in Double.
  private mutating func refined<Number: LapackScalar>(_ model: CPModel<Number>) -> CPModel<Number> {
    guard options.refinements > 0 else { return model }
    let refinement = CPRefinement(tensor.converted(), spatial: spatial, model: model.converted())
    converged = false
    for _ in 0..<options.refinements {
      let former = refinement.residual
      guard refinement.advance() else {
        converged = true
        break
      }
      record(max(0, refinement.residual))
      if refinement.residual >= (1 - 2 * options.tolerance) * former {
        converged = true
        break
      }
    }
    return refinement.model.converted()
  }

  /// Lowers the sensitivity where a component is larger than the options allow.
  private mutating func corrected<Number: LapackScalar>(
    _ model: CPModel<Number>
  ) throws(LinearAlgebraError) -> CPModel<Number> {
    guard let cap = options.componentCap else { return model }
    let largest = cap * energy.squareRoot()
    guard (model.componentNorms.max() ?? 0) > largest else { return model }
    // Below what the element type itself rounds there is no error to preserve.
    let error = max((errors.last ?? 0) * (1 + options.errorIncrease), 8 * Double(Element.ulpOfOne))
    wasCorrected = true
    let correction = CPCorrection(
      tensor.converted(), spatial: spatial, model: model.converted(), limit: error * error * energy)
    return try correction.run(cap: largest).converted()
  }

  /// Iterates until the error stands still, `limit` iterations are done, or the residual on a core falls under what
  /// the compression itself left out.
  private mutating func iterate<Number>(_ sweeps: CPSweeps<Number>, outside: Double, limit: Int) {
    var residual = Double.infinity
    var steps = 0
    converged = false
    for _ in 0..<limit {
      // Nesterov's weights, held under 0.9; a rise of the error begins them anew.
      let beta = min(0.9, Double(steps) / Double(steps + 3))
      let next = max(0, sweeps.iterate(beta: beta))
      guard next.isFinite, next <= residual else {
        sweeps.restoreFormer()
        guard residual.isFinite else { return }
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
      if gain < options.tolerance || residual < 1e-3 * Double(Number.ulpOfOne) * energy {
        converged = true
        return
      }
      if residual < outside { return }
      steps += 1
    }
  }

  /// The errors are reported as they are: the residual is a difference of energies, so between one stage and the next
  /// its square may rise by an epsilon or so.
  private mutating func record(_ residual: Double) {
    errors.append((residual / energy).squareRoot())
  }
}
