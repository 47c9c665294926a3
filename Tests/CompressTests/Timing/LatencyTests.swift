import Decompose
import Forms
import ModelGraph
import Synchronization
import Tensors
import TestSupport
import Testing

@testable import Compress

/// Closed loops on a clock of the tests' own.
@Suite struct LatencyTests {
  private func model(_ count: Int = 3) throws -> ModelGraph {
    var builder = ModelBuilder()
    var generator = SeededGenerator(seed: 11)
    for place in 0..<count {
      builder.addConvolution("conv\(place)", .decayingKernel([48, 32 + 16 * place, 3, 3], using: &generator))
    }
    return try builder.model()
  }

  private func options() -> CompressionOptions {
    var options = CompressionOptions()
    options.rankMultiple = 1
    return options
  }

  private func compressed(
    _ timer: InventedTimer, _ target: LatencyTarget, _ options: CompressionOptions? = nil
  ) throws -> (report: CompressionReport, model: ModelGraph, original: ModelGraph) {
    let original = try model()
    var model = original
    var latency = try LatencyCompression(
      model, options ?? self.options(), target, .timer(timer, cache: TimesCache(path: nil)))
    var candidates = try ModelCandidates(model, latency.options)
    try latency.settle(&candidates)
    return (try latency.compress(&model, &candidates), model, original)
  }

  @Test(arguments: [0.3, 0.5, 0.8]) func theTargetIsReached(fraction: Double) throws {
    let report = try compressed(InventedTimer(cost: InventedTimer.usual), .fraction(fraction)).report
    let time = try #require(report.time)
    let measured = try #require(time.measuredMs)
    // Prices are corrected until they are within 3 %, and the target is passed by at most a third of that.
    #expect(measured <= 1.01 * fraction * time.denseMs)
    #expect(try abs(measured / #require(time.predictedMs) - 1) <= 0.03)
    #expect(report.allocation?.unit == "milliseconds" && time.runtime == "invented")
  }

  /// What no single layer shows: a run takes a little longer for each convolution more than the dense network has.
  @Test(arguments: [true, false]) func pricesThatAreOffAreCorrected(timesNodes: Bool) throws {
    let timer = InventedTimer(
      timesNodes: timesNodes, cost: InventedTimer.usual,
      whole: { nodes, count, _ in nodes + 0.1 + 0.01 * Double(count - 3) })
    let report = try compressed(timer, .fraction(0.6)).report
    let time = try #require(report.time)
    let measured = try #require(time.measuredMs)
    #expect(time.rounds > 0)
    #expect(measured <= 1.03 * 0.6 * time.denseMs && measured < time.denseMs)
    #expect(try abs(measured / #require(time.predictedMs) - 1) <= 0.07)
  }

  @Test func millisecondsAreATargetToo() throws {
    let dense = try #require(
      compressed(InventedTimer(cost: InventedTimer.usual), .fraction(1)).report.time?.denseMs)
    let time = try #require(
      compressed(InventedTimer(cost: InventedTimer.usual), .milliseconds(0.6 * dense)).report.time)
    #expect(try #require(time.measuredMs) <= 1.01 * 0.6 * dense)
  }

  /// What no form of the fewest ranks comes near is refused before a kernel is looked at; what one does may be refused later.
  @Test func aTargetFarOutOfReachIsRefusedAtOnce() throws {
    let timer = InventedTimer(cost: { weights, _ in 1 + 1e-3 * Double(weights.count) })
    let (model, source) = (try model(), LatencySource.timer(timer, cache: TimesCache(path: nil)))
    let error = #expect(throws: TimingError.self) {
      try LatencyCompression(model, options(), .fraction(0.02), source)
    }
    #expect(error?.description.contains("0.02 of its milliseconds cannot be reached; about 0.") == true)
    _ = try LatencyCompression(model, options(), .fraction(0.2), source)
  }

  /// Every stage costs the same, so that two never win.
  @Test func whereNothingIsFasterAllIsKept() throws {
    let result = try compressed(InventedTimer(cost: { _, _ in 1 }), .fraction(0.5))
    #expect(result.report.layers.allSatisfy { $0.reason == "no form is faster in its place" })
    #expect(result.report.time?.fraction == 1)
    #expect(result.model.main.nodes.map(\.name) == result.original.main.nodes.map(\.name))
  }

  /// The parts are faster, the whole is not: the promise breaks only when the finished network runs.
  @Test func aSlowerNetworkIsNoGain() throws {
    let timer = InventedTimer(
      cost: InventedTimer.usual,
      whole: { nodes, count, prepared in count > 3 && prepared > 20 ? 100 : nodes + 0.1 })
    let original = try model()
    var model = original
    var latency = try LatencyCompression(
      model, options(), .fraction(0.5), .timer(timer, cache: TimesCache(path: nil)))
    var candidates = try ModelCandidates(model, latency.options)
    while timer.prepared.count <= 20 { _ = try timer.prepare(original) }
    let report = try latency.compress(&model, &candidates)
    #expect(report.layers.allSatisfy { $0.reason?.contains("the network took 100.0 ms") == true })
    #expect(model.main.nodes.map(\.name) == original.main.nodes.map(\.name))
    #expect(report.time?.fraction == 1 && report.allocation?.achieved == 1)
  }

  @Test func aTargetOutOfReachIsAnError() throws {
    // The rest takes nine tenths: the layers some 2 ms.
    let timer = InventedTimer(cost: InventedTimer.usual, whole: { nodes, _, _ in nodes + 18 })
    #expect { try compressed(timer, .fraction(0.2)) } throws: {
      "\($0)".contains("cannot be reached")
    }
  }

  @Test func aTableClaimsNothingMeasured() throws {
    var model = try model()
    let made = try LatencyCompression(
      model, options(), .fraction(1),
      .timer(InventedTimer(cost: InventedTimer.usual), cache: TimesCache(path: nil)))
    var latency = try LatencyCompression(model, options(), .fraction(0.5), .table(made.table))
    var candidates = try ModelCandidates(model, latency.options)
    try latency.settle(&candidates)
    let time = try #require(latency.compress(&model, &candidates).time)
    #expect(time.measuredMs == nil && time.rounds == 0)
    #expect(try #require(time.predictedMs) <= 0.5 * time.denseMs)
  }

  /// By a table from the same clock nothing is corrected, and what it foretells is what the network takes: stages cost a little
  /// each, half a vector is neither free nor as dear as a whole one, and the ranks are far below those of a quarter of the weights.
  @Test(arguments: [0.6, 0.3, 0.15]) func aTableForetellsWhatTheNetworkTakes(fraction: Double) throws {
    let timer = InventedTimer(cost: { weights, groups in
      let whole = weights.extents.prefix(2).reduce(1.0) {
        $0 * (Double($1) + Double(($1 + 15) / 16 * 16)) / 2
      }
      let taps = weights.extents.dropFirst(2).reduce(1, *)
      return 0.004 + 1e-4 * (groups > 1 ? 20 : 1) * whole * Double(taps)
    })
    var model = try model()
    let options = CompressionOptions()
    let table = try TimeTable(profiling: model, options, timer)
    var latency = try LatencyCompression(model, options, .fraction(fraction), .table(table))
    var candidates = try ModelCandidates(model, latency.options)
    let time = try #require(latency.compress(&model, &candidates).time)
    let taken = try timer.prepare(model).run().whole
    let foretold = try #require(time.predictedMs)
    #expect(
      foretold <= fraction * time.denseMs && abs(foretold / taken - 1) < 0.05, "\(foretold), took \(taken)")
  }

  /// Depthwise stages are dear on this clock: CP loses with a quarter of the weights, and is never searched for.
  @Test func kindsThatLoseAreNotAnalysed() throws {
    var options = options()
    let seen = SeenKinds()
    options.error = seen
    _ = try compressed(InventedTimer(cost: InventedTimer.usual), .fraction(0.5), options)
    let names = seen.names
    #expect(names.contains("channel") && !names.contains("cp3") && !names.contains("cp4"), "\(names)")
  }

  @Test func aCacheSparesTheClock() throws {
    let cache = TimesCache(path: nil)
    let (first, second) = (
      InventedTimer(cost: InventedTimer.usual), InventedTimer(cost: InventedTimer.usual)
    )
    let model = try model()
    let tables = try [first, second].map {
      try LatencyCompression(model, options(), .fraction(1), .timer($0, cache: cache)).table
    }
    // The first look, and no more.
    #expect(second.prepared.count == 2 && first.prepared.count > 10)
    #expect(tables[0].layers.map(\.slower) == tables[1].layers.map(\.slower))
    #expect(tables[0].layers.map(\.forms.count) == tables[1].layers.map(\.forms.count))
  }

  /// Times of a machine that had other work to do, of which stages suffered more than whole layers.
  @Test func whatTheFirstLookContradictsIsTimedAnew() throws {
    let (cache, usual) = (TimesCache(path: nil), InventedTimer.usual)
    let stale = try forms(1, InventedTimer(cost: { usual($0, $1) + ($0[0] < 48 ? 0.1 : 0) }), cache)
    let fresh = try forms(1, InventedTimer(cost: usual), TimesCache(path: nil))
    #expect(try forms(1, InventedTimer(cost: usual), cache) == fresh && fresh != stale)
    // What was found replaces what was remembered.
    let again = InventedTimer(cost: usual)
    #expect(try forms(1, again, cache) == fresh && again.prepared.count == 2)
  }

  /// The machine had other work to do right behind the first look, which therefore agrees with what is remembered.
  @Test func aTimeIsRefusedByTimesOfNowAlone() throws {
    let cache = TimesCache(path: nil)
    let fresh = try forms(1, InventedTimer(cost: InventedTimer.usual), TimesCache(path: nil))
    let stale = try forms(1, timerThatIsDisturbed(by: 5), cache)
    #expect(try forms(1, InventedTimer(cost: InventedTimer.usual), cache) == stale && fresh != stale)
    #expect(try forms(0.3, InventedTimer(cost: InventedTimer.usual), cache) == fresh)
  }

  /// What is remembered is a little too slow, which shows when forms are chosen and not before.
  @Test func aTimeIsRefusedByTimesOfNowAloneWhereFormsAreChosen() throws {
    let (cache, options) = (TimesCache(path: nil), options())
    var model = try model()
    let work = try LayerWork(model, options)
    let stale = try LatencyCompression(
      model, options, .fraction(1), .timer(timerThatIsDisturbed(by: 0.02), cache: cache)
    ).table
    let least = try work.leastFraction(options, by: LatencyMeasure(stale, work))
    var latency = try LatencyCompression(
      model, options, .fraction(0.95 * least),
      .timer(InventedTimer(cost: InventedTimer.usual), cache: cache))
    #expect(Self.forms(latency.table) == Self.forms(stale))
    var candidates = try ModelCandidates(model, latency.options)
    try latency.settle(&candidates)
    let time = try #require(latency.compress(&model, &candidates).time)
    #expect(try #require(time.measuredMs) <= 1.01 * 0.95 * least * time.denseMs)
  }

  /// A clock on which each convolution takes so many milliseconds more, from what follows on the first look on.
  private func timerThatIsDisturbed(by ms: Double) throws -> InventedTimer {
    let quiet = InventedTimer(cost: InventedTimer.usual)
    _ = try forms(1, quiet, TimesCache(path: nil))
    let first = quiet.prepared.prefix(2).reduce(0, +)
    let calls = Mutex(0)
    return InventedTimer(cost: { weights, groups in
      let call = calls.withLock { count in
        count += 1
        return count
      }
      return InventedTimer.usual(weights, groups) + (call > first ? ms : 0)
    })
  }

  /// The forms of all layers that were timed, with their nanoseconds.
  private func forms(_ part: Double, _ timer: InventedTimer, _ cache: TimesCache) throws -> [[String: Int]] {
    Self.forms(
      try LatencyCompression(model(), options(), .fraction(part), .timer(timer, cache: cache)).table)
  }

  private static func forms(_ table: TimeTable) -> [[String: Int]] {
    table.layers.map { layer in
      Dictionary(uniqueKeysWithValues: layer.forms.map { ($0.form, Int(($0.ms * 1e6).rounded())) })
    }
  }
}

/// The error of the weights, which remembers the kinds that it was asked about.
private final class SeenKinds: ErrorMeasure {
  let title = "errors"
  let phrase = "errors"
  private let kinds = Mutex<Set<String>>([])
  var names: Set<String> { kinds.withLock { $0 } }

  func analysis(
    of kernel: Tensor<Float>, group: Int, layer: MeasuredLayer, kind: FormKind
  ) throws(DecomposeError) -> any FormAnalysis {
    kinds.withLock { _ = $0.insert(kind.name) }
    return try WeightError().analysis(of: kernel, group: group, layer: layer, kind: kind)
  }

  func error(of layer: MeasuredLayer, in candidate: RankedForm) -> Double {
    WeightError().error(of: layer, in: candidate)
  }
}
