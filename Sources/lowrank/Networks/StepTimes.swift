import Tensors
import Network
import Reports

/// When the steps of a network's run ended: of the fastest run, and the least time of each step over all runs.
struct StepTimes {
  let steps: [StepDescription]
  /// The least time of each step, in seconds.
  private(set) var least: [Double]
  /// The times of the run that took least, in seconds.
  private(set) var fastest: [Double] = []

  init(_ steps: [StepDescription]) {
    self.steps = steps
    least = steps.map { _ in .infinity }
  }

  /// Runs once more.
  mutating func measure(_ run: PreparedRun) throws(NetworkError) {
    let clock = ContinuousClock()
    var times: [Double] = []
    times.reserveCapacity(steps.count)
    var last = clock.now
    try run.execute { _ in
      let now = clock.now
      times.append((now - last).seconds)
      last = now
    }
    for (place, time) in times.enumerated() where place < least.count {
      least[place] = min(least[place], time)
    }
    if fastest.isEmpty || times.reduce(0, +) < fastest.reduce(0, +) { fastest = times }
  }

  /// The steps with their least times.
  var layers: [LayerTime] { zip(steps, least).map { LayerTime($0, seconds: $1) } }

  /// The fastest run as a trace that browsers show (chrome://tracing, Perfetto).
  func trace() throws -> String {
    var start = 0.0
    var events: [TraceEvent] = []
    for (step, seconds) in zip(steps, fastest) {
      events.append(TraceEvent(step, start: start, seconds: seconds))
      start += seconds
    }
    return try jsonText(["traceEvents": events])
  }
}

/// One step of a network and how long it takes; the field names are the JSON's.
struct LayerTime: Encodable {
  let name: String
  let op: String
  let fused: [String]
  let ms: Double
  let gflops: Double
  let layout: String
  let detail: String

  init(_ step: StepDescription, seconds: Double) {
    (name, op, fused, layout, detail) = (step.node, step.op, step.fused, step.layout, step.lines)
    let known = seconds.isFinite ? seconds : 0
    ms = known * 1e3
    gflops = known > 0 ? 2 * Double(step.multiplies) / (known * 1e9) : 0
  }

  /// The layers as a table for people.
  static func table(_ layers: [LayerTime]) -> String {
    var table = Table([
      ("layer", .left), ("op", .left), ("ms", .right), ("%", .right), ("GFLOP/s", .right),
      ("layout", .left), ("how", .left),
    ])
    let total = layers.reduce(0) { $0 + $1.ms }
    for layer in layers {
      table.add([
        shortened(layer.name), ([layer.op] + layer.fused).joined(separator: "+"), fixed(layer.ms, 3),
        fixed(total > 0 ? 100 * layer.ms / total : 0, 1), layer.gflops > 0 ? fixed(layer.gflops, 1) : "",
        layer.layout, layer.detail,
      ])
    }
    return table.text
  }
}

/// One event of Chrome's trace format.
///
/// **Source** "Trace Event Format", complete events.
struct TraceEvent: Encodable {
  let name: String
  let cat: String
  let ph = "X"
  /// Microseconds from the beginning.
  let ts: Double
  let dur: Double
  let pid = 1
  let tid = 1
  let args: Details

  /// What is shown beside the event.
  struct Details: Encodable {
    let op: String
    let ms: Double
    let gflops: Double
    let layout: String
    let detail: String
  }

  init(_ step: StepDescription, start: Double, seconds: Double) {
    let layer = LayerTime(step, seconds: seconds)
    name = step.node.isEmpty ? step.op : step.node
    cat = step.op
    (ts, dur) = (start * 1e6, seconds * 1e6)
    args = Details(
      op: ([step.op] + step.fused).joined(separator: "+"), ms: layer.ms, gflops: layer.gflops,
      layout: step.layout, detail: step.lines)
  }

  private enum CodingKeys: String, CodingKey { case name, cat, ph, ts, dur, pid, tid, args }
}

extension StepDescription {
  /// How the step runs, on one line.
  fileprivate var lines: String { detail.split(separator: "\n").joined(separator: "; ") }
}

/// What the passes did and how each step runs, in words.
func explanation(_ network: Network, _ steps: [StepDescription]) -> [String] {
  network.passNotes
    + steps.map { step in
      let how = [step.layout, step.lines].filter { !$0.isEmpty }.joined(separator: ", ")
      return
        "\(step.node): \(([step.op] + step.fused).joined(separator: "+"))\(how.isEmpty ? "" : " - \(how)")"
        .onOneLine
    }
}
