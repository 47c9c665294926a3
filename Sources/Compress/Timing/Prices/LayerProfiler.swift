import Forms
public import ModelGraph
import Tensors

/// Times the layers of a model in the forms that they may be brought into.
///
/// First each kind has one form timed, with a quarter of the weights; kinds that lose even so are left
/// there, and so are those that lose to another by more than what errors at equal weights differ by: CP where Winograd runs.
/// What the cache remembers is taken from there, unless the first look at one form of each layer disagrees with it: it was
/// timed beside other work then.
///
/// **Complexity** 7 + 22 variants for kernels with spatial extent, or 7 + 69 where it `isFine`, three runs of each at least.
struct LayerProfiler {
  private let work: LayerWork
  /// The model with layers in forms.
  let variants: LayerVariants
  private let planner: LayerPlanner
  private let timer: any NetworkTimer
  private let cache: TimesCache
  private let keys: LayerTimeKeys
  private let progress: @Sendable (Progress) -> Void
  private let isFine: Bool
  /// The model as it is.
  let asItIs: any TimedNetwork
  private var clock: any FormClock
  /// By layer.
  private var ratios: [[FactoredForm: Double]]
  /// Whether what is remembered is still what the clock says.
  private var trustsCache = true

  /// How much slower than the fastest kind with as many weights a kind may be.
  private static let mostBehind = 1.6
  /// The same for kinds whose analysis is a search, of many times the work.
  private static let mostSearchedBehind = 1.2
  /// By what part of their time forms that are timed anew may differ from what is remembered of them.
  private static let mostDrift = 0.15

  init(
    _ model: ModelGraph, _ work: LayerWork, _ options: CompressionOptions, _ timer: any NetworkTimer,
    cache: TimesCache, isFine: Bool = false, progress: @escaping @Sendable (Progress) -> Void
  ) throws(TimingError) {
    (self.work, self.timer, self.cache, self.isFine, self.progress) = (work, timer, cache, isFine, progress)
    variants = try LayerVariants(model, work, options)
    asItIs = try timer.prepare(variants.model(with: [:]))
    clock =
      timer.timesNodes
      ? InPlaceClock(variants, timer, asItIs: asItIs)
      : SingleLayerClock(model, work, options, timer, asItIs: asItIs)
    planner = LayerPlanner(options: options)
    keys = LayerTimeKeys(model, work, timer)
    ratios = work.layers.map { _ in [:] }
  }

  /// The table of all layers whose extents are known.
  mutating func table() throws(TimingError) -> TimeTable {
    let kinds = work.layers.indices.map { timedKinds($0) }
    let multiple = planner.options.rankMultiple
    func grid(_ place: Int, _ kind: FormKind) -> TimingGrid? {
      work.costs[place].map { TimingGrid(kind, $0, multiple: multiple) }
    }
    let probes = kinds.enumerated().map { place, kinds in kinds.compactMap { grid(place, $0)?.probe } }
    try lookFirst(at: probes.map { Array($0.prefix(1)) })
    try measure(probes)
    let slower = kinds.enumerated().map { place, kinds in
      Self.slower(
        kinds.compactMap { kind in
          guard let cost = work.costs[place], let probe = grid(place, kind)?.probe else { return nil }
          let part = Double(cost.weights(probe)) / Double(max(1, cost.weights(.dense)))
          return (kind, ratios[place][probe], part)
        })
    }
    try measure(
      kinds.enumerated().map { place, kinds in
        kinds.filter { !slower[place].contains($0) }.flatMap { grid(place, $0)?.others(fine: isFine) ?? [] }
      })
    cache.keep()
    return table(slower)
  }

  /// The kinds that are not looked at further, out of the parts of the dense layer's time that they took with a `part` of its
  /// weights; the time is nil where a layer did not run as such. Ranks are few and apart in small layers, so that kinds are
  /// compared by what they take for a weight.
  static func slower(_ probes: [(kind: FormKind, ratio: Double?, part: Double)]) -> [FormKind] {
    let fastest =
      probes.lazy.filter { !$0.kind.isSearched }.compactMap { probe in probe.ratio.map { $0 / probe.part } }
      .min() ?? .infinity
    return probes.filter { kind, ratio, part in
      guard let ratio else { return true }
      let behind = kind.isSearched ? mostSearchedBehind : mostBehind
      return ratio > 1 - LayerPlanner.leastSaving || ratio / part > behind * fastest
    }.map(\.kind)
  }

  /// The kinds of form that come into question for a layer.
  private func timedKinds(_ place: Int) -> [FormKind] {
    guard work.obstacles[place] == nil, let cost = work.costs[place], cost.uses != nil,
      planner.obstacle(cost) == nil
    else { return [] }
    return planner.options.method.kinds(for: cost.kernel, searches: true)
  }

  /// The table out of times of now alone.
  mutating func renewedTable() throws(TimingError) -> TimeTable {
    trustsCache = false
    ratios = work.layers.map { _ in [:] }
    return try table()
  }

  /// Times forms, one of each layer, and believes the cache where it says the same.
  private mutating func lookFirst(at forms: [[FactoredForm]]) throws(TimingError) {
    let known = forms.enumerated().map { place, forms in forms.first.flatMap { cache[keys[place, $0]] } }
    try time(forms)
    var (drift, sum) = (0.0, 0.0)
    for (place, known) in known.enumerated() {
      guard let known, let form = forms[place].first, let found = ratios[place][form] else { continue }
      drift += clock.dense[place] * abs(found - known)
      sum += clock.dense[place] * found
    }
    if drift > Self.mostDrift * sum { trustsCache = false }
  }

  /// Times forms, by layer; those that the cache knows are taken from there.
  private mutating func measure(_ forms: [[FactoredForm]]) throws(TimingError) {
    var pending: [[FactoredForm]] = []
    for (place, forms) in forms.enumerated() {
      for form in forms where ratios[place][form] == nil && trustsCache {
        ratios[place][form] = cache[keys[place, form]]
      }
      pending.append(forms.filter { ratios[place][$0] == nil })
    }
    if pending.contains(where: { !$0.isEmpty }) { try time(pending) }
  }

  private mutating func time(_ forms: [[FactoredForm]]) throws(TimingError) {
    for (place, found) in try clock.ratios(of: forms, progress: progress).enumerated() {
      for (form, ratio) in found {
        ratios[place][form] = ratio
        cache[keys[place, form]] = ratio
      }
    }
  }

  private func table(_ slower: [[FormKind]]) -> TimeTable {
    var rows: [TimeTable.Layer] = []
    for (place, layer) in work.layers.enumerated() {
      guard let cost = work.costs[place], let use = cost.uses?.first else { continue }
      var row = TimeTable.Layer(layer, cost, use)
      row.ms = clock.dense[place]
      row.forms = ratios[place].sorted { $0.key.description < $1.key.description }.map {
        TimeTable.Form(form: $0.key.description, ms: $0.value * clock.dense[place])
      }
      row.slower = slower[place].map(\.name)
      rows.append(row)
    }
    return TimeTable(
      runtime: timer.runtime, machine: timer.machine, threads: timer.threads, lanes: timer.lanes,
      networkMs: clock.whole, layers: rows)
  }
}

extension TimeTable {
  /// What the layers of a model take here: more ranks of each form than prices need that are corrected by timing whole networks
  /// later, which a table cannot be.
  ///
  /// **Throws** `TimingError` for options that do not fit the model, and a model that does not run.
  public init(
    profiling model: ModelGraph, _ options: CompressionOptions, _ timer: any NetworkTimer,
    progress: @escaping @Sendable (Progress) -> Void = { _ in }
  ) throws(TimingError) {
    let work: LayerWork
    do throws(CompressError) { work = try LayerWork(model, options) } catch { throw .compression(error) }
    var profiler = try LayerProfiler(
      model, work, options, timer, cache: TimesCache(path: nil), isFine: true, progress: progress)
    self = try profiler.table()
  }
}
