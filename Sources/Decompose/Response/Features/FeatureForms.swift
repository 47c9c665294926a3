import Forms
import LinearAlgebra
import Tensors

/// Tucker-2, both spatial forms and the mirrored channel form in the data's norm.
///
/// The maps are ordered once (see `FeatureMaps`), the best first; one regression on all their features then has the error of
/// every inner rank, the features of a rank being the first of all, and the eigenvalues of what they explain that of every
/// output rank. The factors of ranks that are chosen are improved by alternating least squares, from these maps or from those of the
/// weights' norm, whichever are better, so they are never worse than the latter.
///
/// Ranks from which on a pair of stages has more weights than the dense kernel are not analysed; their factors are found
/// one by one.
///
/// **Complexity** the maps, R O T² multiplies, and for Tucker-2 an eigenproblem of order T for each inner rank that is looked
/// at.
final class FeatureForms: FormAnalysis {
  let kind: FormKind
  private let problem: ResponseProblem
  private let maps: FeatureMaps
  private var spectra: [Int: EnergyTails] = [:]
  /// What the first so many maps explain, [T, T]: the larger ones of further maps are added.
  private var explained: (maps: Int, gram: Tensor<Double>)
  private var factored: [FactoredForm: Decomposition<Float>] = [:]

  /// The inner ranks of Tucker-2 that are looked at, at most.
  private static var innerSteps: Int { 64 }

  init(problem: ResponseProblem, kind: FormKind, layout: FeatureLayout) throws(DecomposeError) {
    (self.problem, self.kind) = (problem, kind)
    maps = try problem.featureMaps.maps(layout) { () throws(DecomposeError) in
      let full = kind.fullRanks(kernel: problem.kernel.shape)[kind.ranks.count - 1]
      return try FeatureMaps(
        problem, layout, limit: Self.worthwhile(kind, problem.kernel.shape, full: full))
    }
    explained = (0, Tensor(shape: [problem.kernel.shape[0], problem.kernel.shape[0]]))
  }

  /// The ranks up to the one at which a form has as many weights as the dense kernel; of Tucker-2 the inner ranks up to the one
  /// at which the mirrored channel form has: beyond that the channel form of the same output rank is cheaper.
  private static func worthwhile(_ kind: FormKind, _ kernel: Shape, full: Int) -> Int {
    let one = FactoredForm(kind == .tucker2 ? .channelMirrored : kind, ranks: [1])
      .weightCount(kernel: kernel)
    return min(full, max(1, (kernel.count + one - 1) / one))
  }

  private var norm: FeatureNorm { maps.norm }

  var kernel: Tensor<Float> { problem.kernel }
  var energy: Double { problem.energy }

  private var isTucker2: Bool { kind == .tucker2 }
  private var fullRank: Int { fullRanks[fullRanks.count - 1] }

  private func ranks(_ form: FactoredForm) -> (output: Int?, inner: Int) {
    isTucker2 ? (form.ranks[0], form.ranks[1]) : (nil, form.ranks[0])
  }

  /// What the maps explain one by one; what those behind them would, spread evenly.
  private func innerEnergies(_ gains: [Double]) -> [Double] {
    let missing = fullRank - gains.count
    let rest = max(0, problem.fit.energies.reduce(0, +) - gains.reduce(0, +))
    return gains + [Double](repeating: rest / Double(max(1, missing)), count: missing)
  }

  private var outputEnergies: [Double] { problem.fit.energies }

  func ranks(energy: Double) throws(DecomposeError) -> [Int] {
    let inner = rank(retaining: energy, of: innerEnergies(try maps.ordered().gains))
    return isTucker2 ? [rank(retaining: energy, of: outputEnergies), inner] : [inner]
  }

  func variationalRanks(factor: Double) throws(DecomposeError) -> [Int] {
    let innerParts = innerEnergies(try maps.ordered().gains)
    let columns = norm.layout.offsets * kernel.shape[0]
    func weakened(_ energies: [Double], rows: Int, columns: Int, full: Int) -> Int {
      EVBMF(
        energies: Array(energies.sorted(by: >).prefix(min(rows, columns))), rows: rows, columns: columns
      ).weakenedRank(full: full, factor: factor)
    }
    let padding = [Double](repeating: 0, count: norm.layout.mapped - innerParts.count)
    let inner = weakened(
      innerParts + padding, rows: norm.layout.mapped, columns: columns, full: fullRank)
    guard isTucker2 else { return [inner] }
    let outputs = kernel.shape[0]
    return [
      weakened(outputEnergies, rows: outputs, columns: kernel.count / outputs, full: fullRanks[0]), inner,
    ]
  }

  func candidates(multiple: Int) throws(DecomposeError) -> [RankedForm] {
    guard isTucker2 else {
      let ranks = rankGrid(upTo: maps.limit, multiple: multiple)
      return try ranks.map { rank throws(DecomposeError) in
        try ranked(FactoredForm(kind, ranks: [rank]))
      }
    }
    let most = multiple * Self.innerSteps
    let inner = rankGrid(
      upTo: maps.limit, multiple: multiple * max(1, (maps.limit + most - 1) / most))
    let outputs = rankGrid(upTo: fullRanks[0], multiple: multiple)
    var forms: [RankedForm] = []
    for output in outputs {
      for inner in inner { forms.append(try ranked(.tucker2(outputRank: output, inputRank: inner))) }
    }
    return forms
  }

  private func ranked(_ form: FactoredForm) throws(DecomposeError) -> RankedForm {
    RankedForm(form: form, relativeError: try relativeError(form))
  }

  func relativeError(_ form: FactoredForm) throws(DecomposeError) -> Double {
    let (output, inner) = ranks(form)
    guard inner <= maps.limit else { return try decomposition(form).fittedError }
    guard let output else {
      return problem.relativeError(norm.energy - (try maps.ordered().gains.prefix(inner).reduce(0, +)))
    }
    return problem.relativeError(try spectrum(inner)[output])
  }

  /// The errors of all output ranks with the first maps.
  private func spectrum(_ inner: Int) throws(DecomposeError) -> EnergyTails {
    if let known = spectra[inner] { return known }
    let whitened = try maps.ordered().whitened
    let values = try reproducibly { () throws(DecomposeError) in
      if inner < explained.maps { explained = (0, Tensor(shape: explained.gram.shape)) }
      let offsets = norm.layout.offsets
      let rows = Tensor(whitened.view.sliced(axis: 0, (explained.maps * offsets)..<(inner * offsets)))
      explained = (inner, explained.gram.plus(matrixProduct(rows, rows, transposeA: true), times: 1))
      return try wrapping { () throws(LinearAlgebraError) in try explained.gram.symmetricEigenvalues() }
    }
    let energies = values.map { max(0, $0) }
    let found = EnergyTails(energies, floor: max(0, norm.energy - energies.reduce(0, +)))
    spectra[inner] = found
    return found
  }

  func decomposition(_ form: FactoredForm) throws(DecomposeError) -> Decomposition<Float> {
    if let known = factored[form] { return known }
    for (place, rank) in form.ranks.enumerated() {
      try requireRank(rank, kind.ranks[place].name, upTo: fullRanks[place], kernel: kernel.shape)
    }
    let weights = try problem.start(form)
    let found = try reproducibly { () throws(DecomposeError) in
      let sweeps = try wrapping { () throws(LinearAlgebraError) in try improved(form, weights) }
      let report = ConvergenceReport(
        sweeps: sweeps.errors.count - 1, converged: sweeps.converged,
        errors: sweeps.errors.map(problem.relativeError))
      return try problem.certified(factors(sweeps.fit, form), convergence: report)
    }
    factored[form] = found
    return found
  }

  private func improved(
    _ form: FactoredForm, _ weights: FactoredKernel<Float>
  ) throws(LinearAlgebraError) -> FeatureSweeps {
    let (output, inner) = ranks(form)
    let given = isTucker2 ? weights.parts[2].permuted([1, 0]) : weights.parts[0]
    var start = try FeatureFit(
      norm, maps: given.reshaped([inner, norm.layout.mapped]).converted(), outputRank: output)
    let own: Tensor<Double>
    if inner <= maps.limit, let known = maps.known {
      own = known.maps.leadingRows(inner)
    } else {
      own = try norm.leadingMaps(inner)
    }
    let other = try FeatureFit(norm, maps: own, outputRank: output)
    if other.error < start.error { start = other }
    var sweeps = FeatureSweeps(norm, start: start, outputRank: output)
    try sweeps.run()
    return sweeps
  }

  private func factors(_ fit: FeatureFit, _ form: FactoredForm) -> FactoredKernel<Float> {
    let (rank, kept, offsets) = (fit.maps.shape[0], fit.core.shape[1], norm.layout.offsets)
    let (first, core) = balancedRows(fit.maps, fit.core.reshaped([rank, offsets * kept]), unit: 1)
    let second = core.reshaped([rank * offsets, kept]).permuted([1, 0])
    let shapes = form.partShapes(kernel: kernel.shape)
    let parts =
      fit.directions.map { [second.reshaped(shapes[0]), $0.permuted([1, 0]), first.permuted([1, 0])] }
      ?? [first.reshaped(shapes[0]), second.reshaped(shapes[1])]
    return FactoredKernel(form: form, kernelShape: kernel.shape, parts: parts.map { $0.converted() })
  }

  func mapped(
    _ decomposition: Decomposition<Float>, _ transform: (Tensor<Float>) -> Tensor<Float>
  ) -> Decomposition<Float> {
    problem.mapped(decomposition, transform)
  }

  var curves: [SpectrumCurve] {
    guard let known = maps.known else { return [] }
    let inner = innerEnergies(known.gains)
    return isTucker2 ? curves(outputEnergies, inner) : curves(inner)
  }
}
