import Forms
public import ModelGraph

/// Compression to a time: forms priced in milliseconds, and the prices set right by timing what they lead to.
///
///     let latency = try LatencyCompression(model, options, .fraction(0.5), .timer(EngineTimer(threads: 1), cache: cache))
///     var candidates = try ModelCandidates(model, latency.options)
///     try latency.settle(&candidates)
///     let report = try latency.compress(&model, &candidates)
///
/// **Complexity** the profile (see `LayerProfiler`), and each round of `settle` a network with the chosen forms timed beside
/// the one as it is; nothing is analysed or factored again.
public struct LatencyCompression {
  /// The options with the budget.
  public private(set) var options: CompressionOptions
  /// The times that prices come from.
  public private(set) var table: TimeTable
  /// How often `settle` corrected the prices.
  public private(set) var rounds = 0
  private let original: ModelGraph
  private let work: LayerWork
  /// What times here; nil where a table does for it.
  private var clock: (timer: any NetworkTimer, profiler: LayerProfiler)?
  private var measure: LatencyMeasure

  /// How far measured times may be from predicted ones before the prices are corrected.
  private static let tolerance = 0.03
  private static let mostRounds = 4
  /// By so much prices of the fewest ranks may be over what is found in the end.
  private static let uncertainty = 0.1

  /// Prices the forms of all layers; options about budgets are replaced by the target.
  ///
  /// **Throws** `TimingError` for options that do not fit the model, a model that does not run, or a table of another.
  public init(
    _ model: ModelGraph, _ options: CompressionOptions, _ target: LatencyTarget, _ source: LatencySource,
    progress: @escaping @Sendable (Progress) -> Void = { _ in }
  ) throws(TimingError) {
    do throws(CompressError) { work = try LayerWork(model, options) } catch { throw .compression(error) }
    original = model
    switch source {
    case .table(let given): (table, clock) = (given, nil)
    case .timer(let timer, let cache):
      var profiler = try LayerProfiler(model, work, options, timer, cache: cache, progress: progress)
      (table, clock) = (try profiler.table(), (timer, profiler))
    }
    measure = try LatencyMeasure(table, work)
    self.options = options
    if unreached(target) != nil { try renewPrices() }
    let wanted = target.fraction(of: table.networkMs)
    if let least = unreached(target) {
      let reason =
        "\(text(wanted)) of its milliseconds cannot be reached; about \(text(least)) is the least possible"
      throw .compression(.model(.model(path: model.path, reason: reason)))
    }
    if options.weights == .auto, let (timer, profiler) = clock {
      self.options.slowFormats = try SlowFormats(profiler.variants, work, timer, asItIs: profiler.asItIs)
    }
    self.options.budget = Budget(wanted, of: measure)
  }

  /// The least part of its time that a model can be brought to, where forms of the fewest ranks do not come near the target:
  /// nobody is to look at inputs for minutes first.
  private func unreached(_ target: LatencyTarget) -> Double? {
    let least = work.leastFraction(options, by: measure)
    let isFar = (1 - Self.uncertainty) * least > target.fraction(of: table.networkMs)
    return isFar && least <= 1 - CompressionReport.Time.leastGain ? least : nil
  }

  /// Times the network that the allocation leads to, and corrects the prices by that, until it is as fast as predicted.
  ///
  /// **Throws** where a network does not run.
  public mutating func settle(_ candidates: inout ModelCandidates) throws(TimingError) {
    guard let (timer, profiler) = clock, let budget = options.budget, !nothingGains(candidates) else {
      return
    }
    let (variants, asItIs) = (profiler.variants, profiler.asItIs)
    if candidates.allocation(fraction: budget.fraction) == nil {
      try renewPrices()
      try reprice(&candidates)
    }
    for _ in 0..<Self.mostRounds {
      guard let allocation = candidates.allocation(fraction: budget.fraction) else { return }
      let forms = candidates.formsByLayer(allocation)
      guard !forms.isEmpty else { return }
      let times = try timer.times(of: [asItIs, timer.prepare(variants.model(with: forms))], .settle)
      let (predicted, measured) = (
        candidates.cost(allocation), table.networkMs * times[1].whole / times[0].whole
      )
      let goal = budget.fraction * candidates.total
      let isClose = abs(measured / predicted - 1) <= Self.tolerance
      if isClose && measured <= goal * (1 + Self.tolerance / 3) { return }
      if timer.timesNodes {
        let (dense, factored) = (
          variants.layerTimes(times[0], with: [:]), variants.layerTimes(times[1], with: forms)
        )
        correct(forms, layers: zip(factored, dense).map { $1 > 0 ? $0 / $1 : 1 }, whole: measured)
      } else {
        correct(forms, predicted: predicted, measured: measured)
      }
      try reprice(&candidates)
    }
  }

  /// Prices by times of now alone, where something times here: what by its prices is out of reach may be so for other work's sake.
  private mutating func renewPrices() throws(TimingError) {
    guard let renewed = try clock?.profiler.renewedTable() else { return }
    table = renewed
    measure = try LatencyMeasure(table, work)
  }

  /// Takes the layers' measured parts of their dense times for the prices of their forms, and what is left for the rest.
  private mutating func correct(_ forms: [Int: FactoredForm], layers parts: [Double], whole: Double) {
    let rows = Dictionary(table.layers.map { ($0.name, $0.ms) }) { $1 }
    var sum = 0.0
    for (place, layer) in work.layers.enumerated() {
      let dense = rows[layer.name] ?? 0
      let ms = forms[place] == nil ? dense : dense * parts[place]
      if let form = forms[place] { measure.set(form, of: layer.name, ms: ms) }
      sum += ms
    }
    measure.setRest(whole - sum)
  }

  /// Scales the prices of all forms, where nobody knows which of them are off.
  private mutating func correct(_ forms: [Int: FactoredForm], predicted: Double, measured: Double) {
    let factored = forms.reduce(0.0) { sum, entry in
      sum + (work.costs[entry.key].flatMap { measure.cost(of: $0, in: entry.value) } ?? 0)
    }
    guard factored > 0 else { return }
    measure.scaleForms(by: min(4, max(0.25, 1 + (measured - predicted) / factored)))
  }

  /// Whether no choice of forms makes the network worth calling faster.
  private func nothingGains(_ candidates: ModelCandidates) -> Bool {
    candidates.leastFraction > 1 - CompressionReport.Time.leastGain
  }

  /// Factors the model as the candidates' allocation says, and times the result beside the model as it was; where that is
  /// slower than the target, allocates and factors once more with the difference counted. Where nothing is gained, the
  /// model stays as it was, and the report says why.
  ///
  /// **Throws** `TimingError.compression` where no choice of forms is as fast as the target.
  public mutating func compress(
    _ model: inout ModelGraph, _ candidates: inout ModelCandidates,
    progress: @Sendable (Progress) -> Void = { _ in }
  ) throws(TimingError) -> CompressionReport {
    guard !nothingGains(candidates) else { return kept(&model, reason: "no form is faster in its place") }
    var (compressed, report) = try factored(model, candidates, progress)
    if let time = report.time, let excess = excess(time) {
      measure.setRest(measure.rest.after + excess)
      try reprice(&candidates)
      if candidates.allocation(fraction: candidates.budget.fraction) != nil {
        (compressed, report) = try factored(model, candidates, progress)
      }
    }
    if let time = report.time, let measured = time.measuredMs, !time.isFaster,
      report.layers.contains(where: \.isFactored)
    {
      let reason = "factored, the network took \(text(measured)) ms, as it is \(text(time.denseMs))"
      return kept(&model, reason: reason, dense: time.denseMs)
    }
    model = compressed
    return report
  }

  private func factored(
    _ model: ModelGraph, _ candidates: ModelCandidates, _ progress: @Sendable (Progress) -> Void
  ) throws(TimingError) -> (ModelGraph, CompressionReport) {
    var compressed = model
    var report: CompressionReport
    do throws(CompressError) { report = try compressed.compress(candidates, progress: progress) } catch {
      throw .compression(error)
    }
    try conclude(&report, compressed)
    return (compressed, report)
  }

  /// How much more the network takes than it was predicted to, in the table's milliseconds, where that is too much.
  private func excess(_ time: CompressionReport.Time) -> Double? {
    guard let measured = time.measuredMs, let predicted = time.predictedMs,
      measured > predicted * (1 + Self.tolerance)
    else { return nil }
    return (measured - predicted) / time.denseMs * table.networkMs
  }

  private mutating func reprice(_ candidates: inout ModelCandidates) throws(TimingError) {
    rounds += 1
    do throws(CompressError) { try candidates.reprice(in: measure, path: original.path) } catch {
      throw .compression(error)
    }
  }

  /// Times a compressed network beside the one as it was and completes its report; once more where the time is far from the
  /// predicted one, as something else may have been running.
  ///
  /// **Throws** where the network does not run.
  public func conclude(_ report: inout CompressionReport, _ compressed: ModelGraph) throws(TimingError) {
    let predicted = report.allocation?.achieved ?? 1
    var times = [NetworkTime(whole: table.networkMs)]
    if let clock {
      let networks = [clock.profiler.asItIs, try clock.timer.prepare(compressed)]
      times = try clock.timer.times(of: networks, .report)
      if abs(times[1].whole / (predicted * times[0].whole) - 1) > Self.tolerance {
        times = zip(times, try clock.timer.times(of: networks, .report)).map { $0.least($1) }
      }
    }
    report.time = CompressionReport.Time(
      runtime: table.runtime, threads: table.threads, denseMs: times[0].whole,
      predictedMs: predicted * times[0].whole, measuredMs: times.count > 1 ? times[1].whole : nil,
      rounds: rounds)
    for place in report.layers.indices {
      guard let cost = work.costs[place], let before = measure.cost(of: cost, in: .dense) else { continue }
      report.layers[place].msBefore = before
      let form = report.layers[place].isFactored ? FactoredForm(report.layers[place]) : nil
      report.layers[place].msAfter = form.flatMap { measure.cost(of: cost, in: $0) } ?? before
    }
  }

  /// The report of a model that stays as it is.
  private func kept(_ model: inout ModelGraph, reason: String, dense: Double? = nil) -> CompressionReport {
    var plans: [Int: LayerPlan] = [:]
    for group in work.groups.indices {
      plans[group] = LayerPlan(choice: .keep(reason: reason), spectrum: nil)
    }
    var report = model.rewrite(work, plans, options)
    report.allocation = CompressionReport.Allocation(
      unit: measure.unit, fraction: options.budget?.fraction ?? 1, achieved: 1, squaredError: 0, lowerBound: 0
    )
    let dense = dense ?? table.networkMs
    report.time = CompressionReport.Time(
      runtime: table.runtime, threads: table.threads, denseMs: dense, predictedMs: dense,
      measuredMs: clock == nil ? nil : dense, rounds: rounds)
    return report
  }

  private func text(_ ms: Double) -> String { String(Double(Int((ms * 1000).rounded())) / 1000) }
}

extension FactoredForm {
  /// The form that a layer was brought into.
  fileprivate init?(_ layer: CompressionReport.Layer) {
    guard let kind = FormKind(layer.method), kind.ranks.count == layer.ranks.count else { return nil }
    self.init(kind, ranks: layer.ranks)
  }
}

extension ModelCandidates {
  /// The forms of an allocation, by layer; layers that are kept are left out.
  func formsByLayer(_ allocation: Allocation) -> [Int: FactoredForm] {
    var result: [Int: FactoredForm] = [:]
    for (group, choice) in forms(allocation).enumerated() {
      guard let form = choice.form else { continue }
      for member in work.groups[group].members { result[member] = form }
    }
    return result
  }
}
