import Forms
import ModelGraph
import Tensors
import TestSupport
import Testing

@testable import Compress

/// Networks that were made for fewer multiplies, against a clock of the tests' own.
@Suite struct RunTimeTests {
  private func model() throws -> ModelGraph {
    var builder = ModelBuilder()
    var generator = SeededGenerator(seed: 12)
    for place in 0..<2 {
      builder.addConvolution("conv\(place)", .decayingKernel([48, 32, 3, 3], using: &generator))
    }
    return try builder.model()
  }

  private func report(
    _ kind: FormKind, of original: ModelGraph, fraction: Double = 0.5
  ) throws -> (report: CompressionReport, model: ModelGraph) {
    var model = original
    var options = CompressionOptions()
    (options.method, options.rankMultiple) = (.only(kind), 1)
    options.budget = .multiplies(fraction)
    var report = try model.compress(options)
    #expect(report.time == nil && report.notTimed == nil)
    report.timeRun(of: model, beside: original, with: InventedTimer(cost: InventedTimer.usual), after: 0)
    return (report, model)
  }

  /// Depthwise stages are dear on this clock, and Tucker-2's are not: the same multiplies, one network slower and one faster.
  @Test(arguments: [(FormKind.cp3, false), (.tucker2, true)]) func theRunTells(
    kind: FormKind, isFaster: Bool
  ) throws {
    let report = try report(kind, of: model()).report
    let time = try #require(report.time)
    let measured = try #require(time.measuredMs)
    // 0.1 ms a run, and two layers of 48 * 32 * 9 weights at a third of 1e-4 ms with 0.002 for each node.
    #expect(abs(time.denseMs - (0.1 + 2 * (0.002 + 1e-4 / 3 * 48 * 32 * 9))) < 1e-9)
    #expect(report.model.macsAfter * 2 <= report.model.macsBefore)
    #expect(time.isFaster == isFaster && (measured < time.denseMs) == isFaster)
    #expect(time.predictedMs == nil && time.runtime == "invented" && report.notTimed == nil)
  }

  @Test func whatIsKeptIsNotTimed() throws {
    let report = try report(.tucker2, of: model(), fraction: 1).report
    #expect(!report.layers.contains(where: \.isFactored) && report.time == nil && report.notTimed == nil)
  }

  @Test func whatMayTakeAnyTimeIsNotTimed() throws {
    var original = try model()
    var (report, model) = try report(.tucker2, of: original)
    (report.time, report.notTimed) = (nil, nil)
    let timer = InventedTimer(cost: InventedTimer.usual)
    var large = report
    large.model.macsBefore = 50_000_000_000
    large.timeRun(of: model, beside: original, with: timer, after: 0)
    var wide = report
    wide.layers[0].macsBefore = 48 * 32 * 9 << 22
    wide.timeRun(of: model, beside: original, with: timer, after: 0)
    var open = report
    open.layers[0].macsBefore = nil
    open.timeRun(of: model, beside: original, with: timer, after: 0)
    original.main.nodes.append(Node(opType: "Loop", inputs: [], outputs: ["looped"]))
    report.timeRun(of: model, beside: original, with: timer, after: 0)
    #expect(timer.prepared.isEmpty)
    for (report, word) in [(large, "large"), (wide, "large"), (open, "--input-shape"), (report, "loop")] {
      #expect(report.time == nil && report.notTimed?.contains(word) == true)
    }
    // After a long compression a longer run is no burden.
    (large.time, large.notTimed) = (nil, nil)
    original.main.nodes.removeLast()
    large.timeRun(of: model, beside: original, with: timer, after: 20)
    #expect(large.time != nil && large.notTimed == nil)
  }
}
