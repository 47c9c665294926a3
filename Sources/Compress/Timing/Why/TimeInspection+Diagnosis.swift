import Forms
public import ModelGraph
import Tensors

extension TimeInspection {
  /// Looks at the layers of a model against the clock.
  ///
  /// `alone` runs on one thread: where `timer` runs on several, it tells what layers gain by them.
  ///
  /// **Throws** `TimingError` for options that do not fit the model, or a network that does not run.
  ///
  /// **Complexity** that of `LayerProfiler`.
  public init(
    _ model: ModelGraph, _ options: CompressionOptions, _ timer: any NetworkTimer, alone: any NetworkTimer,
    cache: TimesCache, progress: @escaping @Sendable (Progress) -> Void = { _ in }
  ) throws(TimingError) {
    let work: LayerWork
    do throws(CompressError) { work = try LayerWork(model, options) } catch { throw .compression(error) }
    var profiler = try LayerProfiler(model, work, options, timer, cache: cache, progress: progress)
    let table = try profiler.table()
    let roofline = try Roofline(measuredBy: timer)
    let variants = try LayerVariants(model, work, options)
    let times = try timer.times(of: [timer.prepare(variants.model(with: [:]))], .settle)[0]
    var single: [Double]?
    if timer.threads > 1 {
      let time = try alone.times(of: [alone.prepare(variants.model(with: [:]))], .settle)[0]
      single = variants.layerTimes(time, with: [:])
    }
    let copies = variants.layerTimes(NetworkTime(whole: 0, nodes: times.copies), with: [:])
    let rows = Dictionary(table.layers.map { ($0.name, $0) }) { $1 }
    var layers: [LayerDiagnosis] = []
    for (place, layer) in work.layers.enumerated() {
      guard let row = rows[layer.name], let cost = work.costs[place], row.ms > 0 else { continue }
      let facts = LayerFacts(
        row: row, cost: cost, node: model.main.nodes[layer.node], lanes: table.lanes, threads: table.threads,
        copyMs: copies[place], singleMs: single?[place])
      layers.append(LayerDiagnosis(facts, op: layer.op.rawValue, roofline))
    }
    self.init(
      runtime: table.runtime, machine: table.machine, threads: table.threads, networkMs: table.networkMs,
      restMs: table.restMs, roofline: roofline,
      layers: layers.sorted { $0.ms - $0.rooflineMs > $1.ms - $1.rooflineMs })
  }
}

/// What is known of a layer when it is asked why it takes so long.
struct LayerFacts {
  let row: TimeTable.Layer
  let cost: MeasuredLayer
  let node: Node
  let lanes: Int
  let threads: Int
  /// Milliseconds of bringing its maps into another layout.
  let copyMs: Double
  /// Milliseconds on one thread; nil where that is what was timed.
  let singleMs: Double?
}

extension LayerDiagnosis {
  init(_ facts: LayerFacts, op: String, _ roofline: Roofline) {
    let row = facts.row
    let multiplies = facts.cost.multiplies(.dense) ?? 0
    let positions = { (extents: [Int]) in extents.reduce(row.repetitions, *) }
    let inputs = row.kernel[1] * row.group
    let maps = inputs * positions(row.input) + row.kernel[0] * positions(row.output)
    let bound = roofline.least(multiplies: multiplies, bytes: 4 * (row.kernel.reduce(1, *) + maps))
    let prices = LayerPrices(row, facts.cost)
    let kinds = FormKind.lowRank.filter { kind in
      row.forms.contains { FactoredForm($0.form)?.kind == kind } && !row.slower.contains(kind.name)
    }
    self.init(
      name: row.name, op: op, kernel: row.kernel, group: row.group, ms: row.ms, rooflineMs: bound.ms,
      gflops: row.ms > 0 ? 2 * Double(multiplies) / row.ms / 1e6 : 0, isMemoryBound: bound.isMemoryBound,
      breakEven: kinds.compactMap { Self.breakEven($0, facts.cost, prices) }, slower: row.slower,
      obstacles: facts.obstacles(isMemoryBound: bound.isMemoryBound, rooflineMs: bound.ms))
  }

  /// The largest ranks, all the same part of the full ones, at which a kind is no slower than the layer.
  private static func breakEven(_ kind: FormKind, _ layer: MeasuredLayer, _ prices: LayerPrices) -> BreakEven?
  {
    let kernel = Shape([layer.kernel[0] / layer.groups] + layer.kernel.extents.dropFirst())
    let full = kind.fullRanks(kernel: kernel)
    func form(_ part: Int) -> FactoredForm {
      FactoredForm(kind, ranks: full.map { max(1, $0 * part / 256) })
    }
    let part = (1...256).last { prices(form($0)).map { $0 <= prices.dense } ?? false }
    guard let part else { return nil }
    let best = form(part)
    let weights = Double(layer.weights(best)) / Double(max(1, layer.weights(.dense)))
    return BreakEven(form: best.description, weights: weights)
  }
}

extension LayerFacts {
  /// What stands in the way of the layer, in words.
  func obstacles(isMemoryBound: Bool, rooflineMs: Double) -> [String] {
    var found: [String] = []
    if isMemoryBound { found.append("memory-bound: fewer multiplies alone make it no faster") }
    if let part = wastedLanes {
      found.append("channels no multiple of \(lanes): \(part) % of the lanes idle")
    }
    if row.ms > 0, copyMs > 0.05 * row.ms {
      found.append("layout changed: \(Int((100 * copyMs / row.ms).rounded())) % of the time")
    }
    if let singleMs, row.ms > 0, singleMs / row.ms < 0.7 * Double(threads) {
      let gain = Double(Int((10 * singleMs / row.ms).rounded())) / 10
      found.append("too small for \(threads) threads: \(gain) times as fast as on one")
    }
    if row.kernel.count == 4, row.kernel[2...].contains(where: { $0 > 1 }), row.kernel[1] > 1,
      let reason = notWinograds
    {
      found.append("no Winograd form: \(reason)")
    }
    if row.group > 1 && row.kernel[1] == 1 { found.append("depthwise: nothing to factor") }
    return found
  }

  /// The percentage of vector lanes that the channels leave idle; nil under a tenth.
  private var wastedLanes: Int? {
    guard row.kernel[1] > 1 || row.group == 1 else { return nil }
    let outputs = row.kernel[0] / row.group
    let padded = (outputs + lanes - 1) / lanes * lanes
    let part = 1 - Double(outputs) / Double(padded)
    return part >= 0.1 ? Int((100 * part).rounded()) : nil
  }

  private var notWinograds: String? {
    if let strides = node.ints("strides"), strides.contains(where: { $0 > 1 }) {
      return "stride \(strides.max() ?? 1)"
    }
    if let dilations = node.ints("dilations"), dilations.contains(where: { $0 > 1 }) {
      return "dilation \(dilations.max() ?? 1)"
    }
    if row.group > 1 { return "\(row.group) groups" }
    let extents = row.kernel[2...]
    return extents.allSatisfy { [1, 3, 5].contains($0) }
      ? nil : "a kernel of \(extents.map(String.init).joined(separator: "x"))"
  }
}
